import { setTimeout } from 'node:timers/promises';

interface Wait {
  /** What is waited for, in words: `the node is ready`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** What to add to the message when it does not come. */
  readonly explain?: () => string | Promise<string>;
}

/**
 * Asks again and again until there is an answer other than undefined or false.
 *
 * @throws an error that says what did not come in time. What `ask` throws is passed on at once.
 */
export async function waitFor<T>(
  { what, timeoutMs, everyMs = 100, explain }: Wait,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  while (true) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= deadline) break;
    await setTimeout(everyMs);
  }
  const why = explain === undefined ? '' : `\n${await explain()}`;
  throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}${why}`);
}
