import { constants } from 'node:os';
import { Interrupted } from './failure.ts';

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type Ending = (typeof endings)[number];

/** The exit code of a process that a signal ended, as shells tell it. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Calls `heard` for signals that should end the process, until it is disposed. */
export function onEnding(heard: (signal: Ending) => void): Disposable {
  for (const name of endings) process.on(name, heard);
  return {
    [Symbol.dispose]() {
      for (const name of endings) process.off(name, heard);
    },
  };
}

/** A signal that aborts when the process is asked to end. Asked a second time, the process ends without cleaning up. */
export function abortOnEnding(): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  const listening = onEnding((name) => {
    listening[Symbol.dispose]();
    stop.abort(new Interrupted(exitCodeOf(name)));
  });
  return { signal: stop.signal, [Symbol.dispose]: () => listening[Symbol.dispose]() };
}
