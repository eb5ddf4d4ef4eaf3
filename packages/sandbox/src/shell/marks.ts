/**
 * Cuts a command's output out of what the terminal shows. The shell prints a mark before and one after each command,
 * with a number that is new every time, so that a mark which a program prints by itself is plain output.
 */

/** What the parser tells. `crlf`: the terminal turns line ends into CR LF, which is not how we set it up. */
export interface MarkSink {
  output(bytes: Buffer): void;
  started(crlf: boolean): void;
  ended(crlf: boolean): void;
  /** What is no command's output: it comes after one, or before the next. */
  between(bytes: Buffer): void;
}

/** Bytes kept of what came before the start mark: what a shell that cannot go on says about it. */
const preambleBytes = 4096;
const escapeByte = 0x1b;
const lineFeed = 0x0a;

type Phase = 'outside' | 'before' | 'inside' | 'closing';

/** The mark that begins a command's output, as it is written to the terminal. */
export function startMark(nonce: number): string {
  return `\x1b]paddock;${nonce};s`;
}

/** The mark that ends a command's output. */
export function endMark(nonce: number): string {
  return `\x1b]paddock;${nonce};e`;
}

/** Where a mark begins, and what comes after its line. */
interface MarkLine {
  readonly at: number;
  readonly crlf: boolean;
  readonly rest: Buffer;
}

export class MarkParser {
  readonly #sink: MarkSink;
  #phase: Phase = 'outside';
  #start: Buffer = Buffer.alloc(0);
  #end: Buffer = Buffer.alloc(0);
  /** The beginning of what may become a mark. */
  #held: Buffer = Buffer.alloc(0);
  #preamble: Buffer = Buffer.alloc(0);

  constructor(sink: MarkSink) {
    this.#sink = sink;
  }

  /** From now on the marks of this command are looked for; what is outside them is dropped. */
  expect(nonce: number): void {
    this.#start = Buffer.from(startMark(nonce));
    this.#end = Buffer.from(endMark(nonce));
    this.#held = Buffer.alloc(0);
    this.#preamble = Buffer.alloc(0);
    this.#phase = 'before';
  }

  push(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    while (bytes.length > 0) {
      const rest = this.#step(bytes);
      if (rest === undefined) return;
      bytes = rest;
    }
  }

  /** For when no more bytes come: gives out what was held back, and where no start mark came, what came instead. */
  finish(): void {
    const before = this.#phase === 'before' ? this.#preamble : Buffer.alloc(0);
    const rest = this.#phase === 'outside' ? before : Buffer.concat([before, this.#held]);
    if (rest.length > 0) this.#sink.output(rest);
    this.#held = Buffer.alloc(0);
    this.#phase = 'outside';
  }

  /** Takes what can be decided from the front and returns the rest, or undefined when it needs more bytes. */
  #step(bytes: Buffer): Buffer | undefined {
    switch (this.#phase) {
      case 'outside':
        this.#sink.between(bytes);
        return undefined;
      case 'before': {
        const line = this.#markLine(bytes, this.#start);
        // An end without a beginning: the command did not run.
        if (line === undefined && bytes.includes(this.#end)) {
          this.#phase = 'closing';
          return bytes;
        }
        if (line === undefined) {
          const before = bytes.subarray(0, bytes.length - this.#held.length);
          this.#preamble = Buffer.concat([this.#preamble, before]).subarray(-preambleBytes);
          if (before.length > 0) this.#sink.between(before);
          return undefined;
        }
        if (line.at > 0) this.#sink.between(bytes.subarray(0, line.at));
        this.#phase = 'inside';
        this.#sink.started(line.crlf);
        return line.rest;
      }
      case 'inside': {
        const at = bytes.indexOf(this.#end);
        if (at < 0) {
          this.#held = Buffer.from(possibleMark(bytes, this.#end));
          const output = bytes.subarray(0, bytes.length - this.#held.length);
          if (output.length > 0) this.#sink.output(output);
          return undefined;
        }
        if (at > 0) this.#sink.output(bytes.subarray(0, at));
        this.#phase = 'closing';
        return bytes.subarray(at);
      }
      case 'closing': {
        const line = this.#markLine(bytes, this.#end);
        if (line === undefined) return undefined;
        this.#phase = 'outside';
        this.#sink.ended(line.crlf);
        return line.rest;
      }
    }
  }

  /** The mark with its line end, once both are there; else what may be its beginning is held. */
  #markLine(bytes: Buffer, mark: Buffer): MarkLine | undefined {
    const at = bytes.indexOf(mark);
    const lineEnd = at < 0 ? -1 : bytes.indexOf(lineFeed, at + mark.length);
    if (lineEnd < 0) {
      this.#held = Buffer.from(at < 0 ? possibleMark(bytes, mark) : bytes.subarray(at));
      return undefined;
    }
    return { at, crlf: lineEnd > at + mark.length, rest: bytes.subarray(lineEnd + 1) };
  }
}

/** The bytes at the end that may be the beginning of `mark`. */
function possibleMark(bytes: Buffer, mark: Buffer): Buffer {
  let at = bytes.indexOf(escapeByte, Math.max(0, bytes.length - mark.length + 1));
  while (at >= 0) {
    const tail = bytes.subarray(at);
    if (mark.subarray(0, tail.length).equals(tail)) return tail;
    at = bytes.indexOf(escapeByte, at + 1);
  }
  return bytes.subarray(bytes.length);
}
