/** One command in a shell session: what it printed, how it stands, and whoever waits for either. */
import type { Fault } from '@paddock/protocol';
import { OutputRing } from '../output/ring.ts';
import { type Text, type TextOptions, textOf } from '../output/text.ts';

/** What is to run, and how. */
export interface Command {
  readonly text: string;
  /** The folder to change to first; the session stays in it. */
  readonly dir?: string | undefined;
  /** Refuse to run when `dir` does not exist. */
  readonly strict?: boolean | undefined;
  readonly preserveSymlinks?: boolean | undefined;
  /** Bytes that may wait in the terminal and are not for it. */
  readonly discardBytes?: number | undefined;
  /** Kill it after so long. */
  readonly hardTimeoutMs?: number | undefined;
}

/** How a command ended. */
export interface Outcome {
  readonly status: 'completed' | 'hard_timeout' | 'terminated';
  /** Null where no exit code says anything: it was stopped from outside. */
  readonly exitCode: number | null;
}

type Progress =
  | { readonly at: 'queued' }
  | { readonly at: 'running' }
  | { readonly at: 'ended'; readonly outcome: Outcome }
  /** It did not run and will not: for a fault of its own, or because its session ended first. */
  | { readonly at: 'dropped'; readonly fault: Fault | undefined };

export class Execution {
  readonly command: Command;
  /** What the caller should know, in sentences. */
  readonly hints: string[] = [];
  /** When it printed last, or began; milliseconds of the monotonic clock. */
  lastChangeAt = 0;
  readonly #ring = new OutputRing();
  #progress: Progress = { at: 'queued' };
  #crlf = false;
  readonly #changeListeners = new Set<() => void>();
  readonly #progressListeners = new Set<() => void>();

  constructor(command: Command) {
    this.command = command;
  }

  get progress(): Progress {
    return this.#progress;
  }

  get outcome(): Outcome | undefined {
    return this.#progress.at === 'ended' ? this.#progress.outcome : undefined;
  }

  /** Bytes printed so far. */
  get printed(): number {
    return this.#ring.total;
  }

  /** What was printed, as text. */
  text(options: Pick<TextOptions, 'from' | 'limitCharacters'> = {}): Text {
    return textOf(this.#ring, { ...options, live: this.outcome === undefined, crlf: this.#crlf });
  }

  /** Calls back at every output and at the end, until disposed of. */
  onChange(listener: () => void): Disposable {
    return listening(this.#changeListeners, listener);
  }

  /** Calls back when it starts, and when it has ended or was dropped, until disposed of. */
  onProgress(listener: () => void): Disposable {
    return listening(this.#progressListeners, listener);
  }

  begin(): void {
    this.lastChangeAt = performance.now();
    this.#move({ at: 'running' });
  }

  append(bytes: Buffer): void {
    this.#ring.append(bytes);
    this.lastChangeAt = performance.now();
    for (const listener of this.#changeListeners) listener();
  }

  /** Takes back what bash says by itself when a command has it exit. */
  dropExitNotice(): void {
    for (const notice of ['exit\n', 'exit\r\n']) this.#ring.dropEnd(Buffer.from(notice));
  }

  /** The terminal turns line ends into CR LF. */
  foundCrlf(): void {
    this.#crlf = true;
  }

  end(outcome: Outcome): void {
    this.#ring.trim();
    this.#move({ at: 'ended', outcome });
  }

  drop(fault?: Fault): void {
    this.#move({ at: 'dropped', fault });
  }

  #move(progress: Progress): void {
    this.#progress = progress;
    for (const listener of [...this.#progressListeners, ...this.#changeListeners]) listener();
  }
}

function listening(listeners: Set<() => void>, listener: () => void): Disposable {
  listeners.add(listener);
  return { [Symbol.dispose]: () => listeners.delete(listener) };
}
