/** The server's ends of the three pipes of one command. */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { OutputRing } from '../output/ring.ts';
import type { PipePool } from './pipes.ts';

/** Opens three pipes of the pool. They are given back to it when closed. */
export async function openChannel(pool: PipePool): Promise<Channel> {
  const names = await Promise.all([pool.take(), pool.take(), pool.take()]);
  return new Channel(pool, names);
}

export class Channel implements Disposable {
  /** The names of the pipes, in the pool's folder. */
  readonly names: readonly [stdin: string, stdout: string, stderr: string];
  readonly input: Input;
  readonly stdout: Output;
  readonly stderr: Output;

  constructor(pool: PipePool, names: readonly [string, string, string]) {
    this.names = names;
    const [stdin, stdout, stderr] = names;
    this.input = new Input(pool, stdin);
    this.stdout = new Output(pool, stdout);
    this.stderr = new Output(pool, stderr);
  }

  /** Reads the outputs, which the command must have opened. */
  listen(): void {
    this.stdout.listen();
    this.stderr.listen();
  }

  /** Closes all ends; what processes still print is lost. */
  [Symbol.dispose](): void {
    this.input.close();
    this.stdout.close();
    this.stderr.close();
  }
}

/** What a command reads. */
export class Input {
  readonly #pool: PipePool;
  readonly #name: string;
  /** Opened for both directions, so that neither opening nor writing ever waits for a reader or fails without one. */
  readonly #fd: number;
  #socket: Socket | undefined;
  #open = true;
  #ending = false;

  constructor(pool: PipePool, name: string) {
    this.#pool = pool;
    this.#name = name;
    this.#fd = openSync(pool.path(name), constants.O_RDWR | constants.O_NONBLOCK);
  }

  /** Writes a first text that fits into an empty pipe, at once. */
  begin(text: string): void {
    writeSync(this.#fd, text);
  }

  /** Bytes that were written and not taken yet, those in the pipe itself aside. */
  get waitingBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Writes, as the command reads. False when it is closed. */
  write(input: Uint8Array): boolean {
    if (!this.#open || this.#ending) return false;
    this.#socket ??= new Socket({ fd: this.#fd, readable: false, writable: true });
    this.#socket.write(input);
    return true;
  }

  /** Closes once what was written is in the pipe. */
  end(): void {
    if (!this.#open || this.#ending) return;
    this.#ending = true;
    if (this.#socket === undefined) this.close();
    else this.#socket.write('', () => this.close());
  }

  /**
   * The command reads its end once it has read what was written.
   *
   * @param isFree nobody has it open any more who would read what is meant for the next command
   */
  close(isFree = false): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#socket === undefined) closeSync(this.#fd);
    else this.#socket.destroy();
    this.#pool.giveBack(this.#name, isFree && this.#socket === undefined);
  }
}

/** What a command prints to one of its outputs, until everybody who may print has closed it. */
export class Output {
  readonly ring = new OutputRing();
  readonly #pool: PipePool;
  readonly #name: string;
  readonly #fd: number;
  #socket: Socket | undefined;
  readonly #closed = Promise.withResolvers<void>();
  #listener: () => void = () => undefined;
  #open = true;

  constructor(pool: PipePool, name: string) {
    this.#pool = pool;
    this.#name = name;
    this.#fd = openSync(pool.path(name), constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /**
   * Reads what comes. Not before the command has opened it: where a pipe was written to before, gVisor takes a reader without
   * a writer to be at the end.
   */
  listen(): void {
    let ended = false;
    this.#socket = new Socket({
      fd: this.#fd,
      readable: true,
      writable: false,
      // One buffer for all that comes: a flood then leaves no garbage.
      onread: {
        buffer: readBuffer(),
        callback: (bytes, buffer) => {
          this.ring.append(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
          this.#listener();
          return true;
        },
      },
    });
    this.#socket.once('end', () => {
      ended = true;
    });
    this.#socket.once('close', () => this.#hasClosed(ended));
    this.#socket.resume();
  }

  /** Resolves when nobody can print to it any more. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Calls back when something was printed, and at the end. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  close(): void {
    if (this.#socket !== undefined) this.#socket.destroy();
    else if (this.#open) {
      closeSync(this.#fd);
      this.#hasClosed(false);
    }
  }

  /** @param isFree nobody has it open any more who would write into what is read of the next command */
  #hasClosed(isFree: boolean): void {
    this.#open = false;
    this.ring.trim();
    this.#pool.giveBack(this.#name, isFree);
    this.#closed.resolve();
    this.#listener();
  }
}

/** Shared by all: what is read is copied before anything else is read. */
let shared: Buffer | undefined;
const readBytes = 64 * 1024;

function readBuffer(): Buffer {
  shared ??= Buffer.allocUnsafeSlow(readBytes);
  return shared;
}
