/**
 * A program on a pseudo-terminal, over the native part of node-pty. Its own stream makes a buffer for each read of at
 * most 4 KiB; this one reads all into the same, so that a flood costs neither memory nor its collection.
 */
import { writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { NativePty } from '@lydell/node-pty/requireBinary.js';

export interface PtyOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly size: TerminalSize;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ProgramExit {
  readonly exitCode: number;
  /** The number of the signal that killed it, or 0. */
  readonly signal: number;
}

export interface PtyEvents {
  /** The bytes are there during the call only. */
  output(bytes: Buffer): void;
  exit(exit: ProgramExit): void;
}

/** After the exit: how long what holds the terminal may still print to it. */
const drainMs = 200;
const readBytes = 64 * 1024;
const writeAgainMs = 5;
/** Runs the program as the user that the server has. */
const sameUser = -1;

/** Starts a program. Throws what the system gives when that cannot be done. */
export async function openPty(options: PtyOptions, events: PtyEvents): Promise<Pty> {
  // Loaded with the first session: a sandbox that has none saves the time and memory.
  const { requireBinary } = await import('@lydell/node-pty/requireBinary.js');
  return new Pty(requireBinary('pty.node'), options, events);
}

export class Pty {
  readonly pid: number;
  readonly #native: NativePty;
  readonly #fd: number;
  readonly #stream: ReadStream;
  #open = true;
  #waiting: Buffer = Buffer.alloc(0);
  #writing: NodeJS.Timeout | undefined;

  constructor(native: NativePty, { file, args, dir, env, size }: PtyOptions, events: PtyEvents) {
    this.#native = native;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const { columns, rows } = size;
    let exit: ProgramExit | undefined;
    const onExit = (exitCode: number, signal = 0) => {
      exit = { exitCode, signal };
      if (!this.#open) events.exit(exit);
      else setTimeout(() => this.#stream.destroy(), drainMs).unref();
    };
    const { fd, pid } = native.fork(
      file,
      [...args],
      variables,
      dir,
      columns,
      rows,
      sameUser,
      sameUser,
      false,
      '',
      onExit,
    );
    this.pid = pid;
    this.#fd = fd;
    const buffer = readBuffer();
    this.#stream = new ReadStream(fd, {
      onread: {
        buffer,
        callback: (bytes) => {
          events.output(buffer.subarray(0, bytes));
          return true;
        },
      },
    });
    // EIO is how Linux says that nobody has the other end open any more. The stream closes itself after any error.
    this.#stream.on('error', () => undefined);
    this.#stream.once('close', () => {
      this.#open = false;
      clearTimeout(this.#writing);
      if (exit !== undefined) events.exit(exit);
    });
    this.#stream.resume();
  }

  /** Bytes that were typed and wait to be taken. */
  get waitingBytes(): number {
    return this.#waiting.length;
  }

  write(input: string): void {
    this.#waiting = Buffer.concat([this.#waiting, Buffer.from(input)]);
    if (this.#writing === undefined) this.#write();
  }

  /** The stream itself would wait for a program that does not read, and with it the whole server. */
  #write(): void {
    this.#writing = undefined;
    while (this.#open && this.#waiting.length > 0) {
      const written = tryWrite(this.#fd, this.#waiting);
      if (written === undefined) {
        this.#writing = setTimeout(() => this.#write(), writeAgainMs);
        return;
      }
      this.#waiting = this.#waiting.subarray(written);
    }
  }

  resize({ columns, rows }: TerminalSize): void {
    if (this.#open) this.#native.resize(this.#fd, columns, rows);
  }
}

/** How many bytes it took; undefined when it takes none now. */
function tryWrite(fd: number, bytes: Buffer): number | undefined {
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    return bytes.length; // Nobody has the other end open any more: there is nobody to read it.
  }
}

/** Shared by all: what is read is taken before anything else is read. */
let shared: Buffer | undefined;

function readBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(readBytes);
  return shared;
}
