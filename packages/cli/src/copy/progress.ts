const drawEveryMs = 100;

/** How far a copy has come: one line on a terminal, which is gone at the end; elsewhere nothing. */
export class Progress implements Disposable {
  readonly #screen: NodeJS.WriteStream;
  readonly #startedMs = performance.now();
  #drawnMs = Number.NEGATIVE_INFINITY;
  files = 0;
  bytes = 0;
  /** Files and bytes in all, as far as they are known. */
  total: { readonly files: number; readonly bytes: number } | undefined;

  constructor(screen: NodeJS.WriteStream = process.stderr) {
    this.#screen = screen;
  }

  /** Counts bytes on their way through. */
  async *through(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.bytes += chunk.length;
      this.#draw();
      yield chunk;
    }
  }

  fileDone(): void {
    this.files++;
    this.#draw();
  }

  /** Says something above the line. */
  say(line: string): void {
    this.#clear();
    this.#screen.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    this.#clear();
  }

  #draw(): void {
    const nowMs = performance.now();
    if (!this.#screen.isTTY || nowMs - this.#drawnMs < drawEveryMs) return;
    this.#drawnMs = nowMs;
    const rate = size((this.bytes / Math.max(nowMs - this.#startedMs, 1)) * 1000);
    const of = this.total
      ? `${this.files} of ${this.total.files} files, ${size(this.bytes)} of ${size(this.total.bytes)}`
      : `${this.files} files, ${size(this.bytes)}`;
    // A terminal may not tell its width.
    const width = (this.#screen.columns || 80) - 1;
    this.#screen.write(`\r\x1b[K${`${of}, ${rate}/s`.slice(0, width)}`);
  }

  #clear(): void {
    if (this.#drawnMs >= 0) this.#screen.write('\r\x1b[K');
  }
}

/** A size as people read it. */
function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  const value = bytes / 1024 ** step;
  return `${step > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}
