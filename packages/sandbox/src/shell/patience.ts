/** How long a caller waits for a command. Giving up never touches the command. */
import type { Execution } from './execution.ts';

export interface Patience {
  /** Until the answer is to be given whatever the command does. */
  readonly timeoutMs?: number | undefined;
  /** Until a command that prints nothing is reported so. */
  readonly noChangeTimeoutMs?: number | undefined;
  /** Aborted when the caller has gone. */
  readonly signal?: AbortSignal | undefined;
}

/** Why a wait was over. */
export type WaitEnd = 'ended' | 'timeout' | 'no_change' | 'gone';

/** Resolves when a running command has ended, or the patience has. */
export function waitForEnd(execution: Execution, patience: Patience): Promise<WaitEnd> {
  return wait(execution, patience, ({ at }) => at === 'ended' || at === 'dropped');
}

/** Resolves when a queued command has started or was dropped, or the patience has ended. */
export function waitForStart(
  execution: Execution,
  patience: Omit<Patience, 'noChangeTimeoutMs'>,
): Promise<WaitEnd> {
  return wait(execution, patience, ({ at }) => at !== 'queued');
}

function wait(
  execution: Execution,
  patience: Patience,
  over: (progress: Execution['progress']) => boolean,
): Promise<WaitEnd> {
  if (over(execution.progress)) return Promise.resolve('ended');
  const { timeoutMs, noChangeTimeoutMs, signal } = patience;
  if (signal?.aborted) return Promise.resolve('gone');
  return new Promise((resolve) => {
    const finish = (end: WaitEnd) => {
      clearTimeout(softTimer);
      clearTimeout(silenceTimer);
      signal?.removeEventListener('abort', onGone);
      listening[Symbol.dispose]();
      resolve(end);
    };
    const onGone = () => finish('gone');
    const listening = execution.onProgress(() => {
      if (over(execution.progress)) finish('ended');
    });
    signal?.addEventListener('abort', onGone);
    const softTimer = timeoutMs === undefined ? undefined : after(timeoutMs, () => finish('timeout'));
    let silenceTimer: NodeJS.Timeout | undefined;
    const watchSilence = (limitMs: number) => {
      const leftMs = execution.lastChangeAt + limitMs - performance.now();
      if (leftMs <= 0) finish('no_change');
      else silenceTimer = after(leftMs, () => watchSilence(limitMs));
    };
    // The silence counts from the call on: a caller of a command that has been silent for long waits as well.
    if (noChangeTimeoutMs !== undefined) {
      silenceTimer = after(noChangeTimeoutMs, () => watchSilence(noChangeTimeoutMs));
    }
  });
}

/** setTimeout takes no more than 24.8 days, and turns more into nothing. */
const longestTimerMs = 2 ** 31 - 1;

function after(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(delayMs, longestTimerMs));
}
