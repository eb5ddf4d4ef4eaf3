import { PaddockError } from '../src/index.ts';

/** The failure that work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<PaddockError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  if (error instanceof PaddockError) return error;
  throw error;
}
