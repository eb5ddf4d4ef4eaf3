/**
 * Real pipes for the output of commands. Node gives its children sockets, which cannot be opened by name: `tee
 * /dev/stderr` would fail. So named pipes are made, many at a time, and used again once all ends are closed.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const batchSize = 16;

/** A pipe that is in use: the command gets the writing end, whose copy here is to be closed then. */
export interface OutputPipe {
  readonly reader: Socket;
  readonly writerFd: number;
}

export class PipePool implements Disposable {
  readonly #folder: string;
  #free: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(runDir: string) {
    this.#folder = mkdtempSync(join(runDir, 'bash-'));
  }

  /** A folder of our own, for whatever else a command needs. */
  get folder(): string {
    return this.#folder;
  }

  async take(): Promise<OutputPipe> {
    let path = this.#free.pop();
    while (path === undefined) {
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
      });
      await this.#making;
      path = this.#free.pop();
    }
    return this.#open(path);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    const paths = Array.from({ length: batchSize }, (_, i) => join(this.#folder, `pipe-${this.#made + i}`));
    this.#made += batchSize;
    await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
    this.#free.push(...paths);
  }

  #open(path: string): OutputPipe {
    const readerFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const writerFd = openSync(path, constants.O_WRONLY);
    const reader = new Socket({ fd: readerFd, readable: true, writable: false });
    // Its end says that every writer is gone; destroyed before that, someone may still hold the pipe, so it is dropped.
    let free = false;
    reader.once('end', () => {
      free = true;
    });
    reader.once('close', () => {
      if (free) this.#free.push(path);
      else rmSync(path, { force: true });
    });
    return { reader, writerFd };
  }
}

/** Closes the copies of the writing ends, once the command has its own. */
export function closeWriters(...pipes: readonly OutputPipe[]): void {
  for (const { writerFd } of pipes) closeSync(writerFd);
}
