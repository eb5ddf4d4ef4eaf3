import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode } from '@paddock/protocol/errors';
import { PaddockError } from './error.ts';

const firstPauseMs = 250;
const limitPauseMs = 30_000;

/** Repeats work that failed before anything ran, with pauses that double, or that last as long as the server asks for. */
export async function retrying<Result>(
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal | undefined },
  work: () => Promise<Result>,
): Promise<Result> {
  for (let failed = 0; ; failed++) {
    try {
      return await work();
    } catch (error) {
      if (failed >= limit || !(error instanceof PaddockError) || !nothingRan(error)) throw error;
      // Spread, so that callers who failed together do not come back together.
      const pauseMs = error.retryAfterMs ?? firstPauseMs * 2 ** failed * (0.5 + Math.random());
      if (pauseMs > limitPauseMs) throw error;
      await delay(pauseMs, undefined, signal && { signal }).catch((aborted: unknown) => {
        signal?.throwIfAborted();
        throw aborted;
      });
    }
  }
}

/** By the rule of the catalogue: 429 and 503 stand only on failures before anything ran. Of others nobody knows. */
function nothingRan({ code, status }: PaddockError): boolean {
  return code === 'unreachable' || ((status === 429 || status === 503) && isErrorCode(code));
}
