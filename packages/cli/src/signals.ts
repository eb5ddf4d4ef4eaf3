import { constants } from 'node:os';
import { Interrupted } from './failure.ts';

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type EndingSignal = (typeof endings)[number];

/** The exit code of a process that a signal ended, as shells tell it. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

/** Calls `heard` for signals that should end the process, until it is disposed. */
export function onEnding(heard: (signal: EndingSignal) => void): Disposable {
  for (const name of endings) process.on(name, heard);
  return {
    [Symbol.dispose]() {
      for (const name of endings) process.off(name, heard);
    },
  };
}

/** How a command learns that it is to end. */
export interface Ending extends Disposable {
  /** Aborts when the process is asked to end. Asked once more, the process ends without cleaning up. */
  readonly signal: AbortSignal;
  /** Takes the first Ctrl-C in place of that, until it is disposed: the next one ends. */
  onInterrupt(heard: () => void): Disposable;
}

/** Listens for signals that should end the process. */
export function abortOnEnding(): Ending {
  const stop = new AbortController();
  let interrupted: (() => void) | undefined;
  const listening = onEnding((name) => {
    if (name === 'SIGINT' && interrupted) {
      interrupted();
      interrupted = undefined;
      return;
    }
    listening[Symbol.dispose]();
    stop.abort(new Interrupted(exitCodeOf(name)));
  });
  return {
    signal: stop.signal,
    onInterrupt(heard) {
      interrupted = heard;
      return {
        [Symbol.dispose]() {
          interrupted = undefined;
        },
      };
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}
