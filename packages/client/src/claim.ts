import type { ConnectionOptions } from './connection.ts';
import { PaddockError } from './error.ts';
import type { CallOptions } from './exchange.ts';
import { Gateway } from './gateway.ts';

/** A sandbox that this program made and is to end. */
export interface Lease {
  readonly id: string;
  /** What was asked for and is not so. */
  readonly warnings: readonly string[];
  /**
   * Ends the sandbox, all that runs in it, and deletes its files. Once it is gone this does nothing.
   *
   * @param options `wait: false` does not wait until the gateway has put everything away.
   */
  release(options?: CallOptions & { readonly wait?: boolean }): Promise<void>;
}

/** What a sandbox is to be like. */
export type Wish = Omit<Parameters<Gateway['sandboxes']['create']>[0], 'sandbox_id'>;

/**
 * Makes a sandbox, under a random id unless one is given, or finds the one of that id.
 *
 * @throws PaddockError
 */
export async function claim(options: ConnectionOptions, id?: string, wish: Wish = {}): Promise<Lease> {
  const sandbox_id = id ?? crypto.randomUUID();
  const release = releaseOf(options, sandbox_id);
  try {
    const { warnings } = await new Gateway(options).sandboxes.create({ ...wish, sandbox_id });
    return { id: sandbox_id, warnings: warnings ?? [], release };
  } catch (error) {
    // It goes on starting, and nobody else knows its id.
    const starting = error instanceof PaddockError && error.code === 'sandbox_starting';
    if (id === undefined && (starting || options.signal?.aborted)) await release();
    throw error;
  }
}

/** What ends the sandbox of an id. */
export function releaseOf(options: ConnectionOptions, sandbox_id: string): Lease['release'] {
  return async ({ wait, ...call } = {}) => {
    // Not under the caller's signal: what aborts the work must not keep the sandbox from being released.
    const { sandboxes } = new Gateway({ ...options, signal: undefined });
    await sandboxes.release({ sandbox_id, ...(wait === false && { wait: 'false' as const }) }, call);
  };
}
