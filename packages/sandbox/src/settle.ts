import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How long nothing must have been asked for: after loading, and after work. */
const quietMs = { loaded: 1000, worked: 5000 } as const;
/** Memory must have grown by so much for its collection to be worth the processor's time. */
const growthBytes = 8 * 1024 * 1024;

export interface SettlingOptions {
  /** Since the last request or command; 0 during one. */
  readonly idleMs: () => number;
  /** What was given back includes compiled code, also that which will have to run at once. */
  readonly onSettled: () => void;
}

/**
 * Gives back, once the server has nothing to do, the memory that loading it or its work took and nothing needs: a sandbox
 * may wait for hours. V8 itself collects when something is asked for, which a server that waits does not do.
 */
export class Settling implements Disposable {
  readonly #idleMs: () => number;
  readonly #onSettled: () => void;
  #wait: number = quietMs.loaded;
  #settledBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor({ idleMs, onSettled }: SettlingOptions) {
    this.#idleMs = idleMs;
    this.#onSettled = onSettled;
    this.worked();
  }

  /** Something was asked for. */
  worked(): void {
    this.#timer ??= setTimeout(() => this.#settle(), this.#wait).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #settle(): void {
    if (this.#idleMs() < this.#wait) {
      this.#timer?.refresh();
      return;
    }
    this.#timer = undefined;
    this.#wait = quietMs.worked;
    if (process.memoryUsage.rss() < this.#settledBytes + growthBytes) return;
    collectGarbage();
    this.#settledBytes = process.memoryUsage.rss();
    this.#onSettled();
  }
}

/**
 * The function is there only in contexts that are made while the flag is set. Of its ways this one alone gives back what
 * it frees: it drops what can be made again, such as compiled code that ran once.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  try {
    runInNewContext("gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })");
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
