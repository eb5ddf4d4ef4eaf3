import { appendFileSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LogOptions } from '../engine.ts';

/** Two files of this size are kept of each sandbox: its server can print as much as it likes. */
const limitBytes = 256 * 1024;
const limitLineChars = 2_000;
/** What is printed faster than this is left out, so that nobody can keep the gateway busy with it. */
const limitLinesPerSecond = 500;
/** A reader that is further behind misses lines. */
const limitWaitingLines = 2_000;

/** `life` is what became of the sandbox, `server` what its server printed. */
type Source = 'life' | 'server';

/** The log of one sandbox, on disk and bounded. A line is a time, a source and a text. */
export class SandboxLog implements Disposable {
  readonly #file: string;
  readonly #followers = new Set<(line: string | undefined) => void>();
  #sizeBytes: number | undefined;
  #second = 0;
  #linesInSecond = 0;
  #leftOut = 0;

  /** @param folder where it lies; out of the sandbox's reach. */
  constructor(folder: string) {
    this.#file = join(folder, 'log');
  }

  /** Adds a line. A disk that takes no more costs the line, which the next one that is written says. */
  write(source: Source, text: string): void {
    const now = Date.now();
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) [this.#second, this.#linesInSecond] = [second, 0];
    this.#linesInSecond += 1;
    if (source === 'server' && this.#linesInSecond > limitLinesPerSecond) {
      this.#leftOut += 1;
      return;
    }
    const missed = this.#leftOut > 0 ? [`life ${this.#leftOut} lines were left out`] : [];
    this.#leftOut = 0;
    for (const entry of [...missed, `${source} ${printable(text)}`]) {
      this.#append(`${new Date(now).toISOString()} ${entry}\n`);
    }
  }

  /** The lines that were asked for, some at a time; with `follow` those that come too, until it is closed. */
  async *read({ tailLines, sinceMs, follow, signal }: LogOptions): AsyncGenerator<string> {
    const waiting: string[] = [];
    let isClosed = false;
    let wake = Promise.withResolvers<void>();
    const hear = (line: string | undefined) => {
      if (line === undefined) isClosed = true;
      else waiting.push(line);
      if (waiting.length > limitWaitingLines) waiting.shift();
      wake.resolve();
    };
    if (follow) this.#followers.add(hear);
    const leave = () => hear(undefined);
    signal.addEventListener('abort', leave);
    try {
      yield this.#kept(tailLines, sinceMs).join('');
      while (follow && !signal.aborted) {
        if (waiting.length > 0) yield waiting.splice(0).join('');
        else if (isClosed) return;
        else await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    } finally {
      this.#followers.delete(hear);
      signal.removeEventListener('abort', leave);
    }
  }

  /** Ends those who follow: the sandbox is gone. */
  [Symbol.dispose](): void {
    for (const hear of this.#followers) hear(undefined);
  }

  #kept(tailLines: number | undefined, sinceMs: number | undefined): string[] {
    const lines = [`${this.#file}.old`, this.#file].flatMap((file) => content(file).split(/(?<=\n)/));
    const asked = lines.filter(
      (line) =>
        line !== '' && (sinceMs === undefined || Date.parse(line.slice(0, line.indexOf(' '))) >= sinceMs),
    );
    return tailLines === undefined ? asked : asked.slice(Math.max(0, asked.length - tailLines));
  }

  #append(line: string): void {
    try {
      this.#sizeBytes ??= statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
      if (this.#sizeBytes > limitBytes) {
        renameSync(this.#file, `${this.#file}.old`);
        this.#sizeBytes = 0;
      }
      appendFileSync(this.#file, line, { mode: 0o600 });
      this.#sizeBytes += Buffer.byteLength(line);
    } catch {
      this.#leftOut += 1;
    }
    for (const hear of this.#followers) hear(line);
  }
}

/** One line, without what would do something to the terminal that shows it. */
function printable(text: string): string {
  return text.slice(0, limitLineChars).replaceAll(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, '\uFFFD');
}

function content(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
