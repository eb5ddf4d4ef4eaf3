import type { ChildProcess } from 'node:child_process';
import type { Group } from './limits.ts';

/** A server's first process, which does nothing until it is let go. */
export interface Launched {
  readonly child: ChildProcess;
  /** The process that is to be limited and connected, once it waits. Pending for good when it ended before. */
  readonly waiting: Promise<number>;
  /** Lets it go. */
  go(): void;
  /** Ends the server. */
  kill(): void;
  /** Ends what outlived the server, once that has ended. */
  sweep(group: Group | undefined): Promise<void>;
}

/** What could not be started: the `error` event of the child says why. It may not even have pipes. */
export function neverStarted(child: ChildProcess): Launched {
  return { child, waiting: new Promise(() => {}), go() {}, kill() {}, sweep: async () => {} };
}
