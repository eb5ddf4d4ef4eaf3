/**
 * Real pipes for the input and output of commands. Node gives its children sockets, which cannot be opened by name: `tee
 * /dev/stderr` would fail. So named pipes are made, many at a time, and used again once all ends are closed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const batchSize = 24;

export class PipePool implements Disposable {
  /** Where the pipes lie, and whatever else commands need. */
  readonly folder: string;
  readonly #free: string[] = [];
  #made = 0;
  #making: Promise<void> | undefined;

  constructor(runDir: string) {
    this.folder = mkdtempSync(join(runDir, 'bash-'));
  }

  /** The name of a pipe in the folder that nothing has open. */
  async take(): Promise<string> {
    for (;;) {
      const name = this.#free.pop();
      if (name !== undefined) return name;
      this.#making ??= this.#make().finally(() => {
        this.#making = undefined;
      });
      await this.#making;
    }
  }

  /** Takes a pipe back. One that something may still have open is removed instead of being used again. */
  giveBack(name: string, isClosed: boolean): void {
    if (isClosed) this.#free.push(name);
    else rmSync(this.path(name), { force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #make(): Promise<void> {
    const names = Array.from({ length: batchSize }, (_, i) => `pipe-${this.#made + i}`);
    this.#made += batchSize;
    await promisify(execFile)('mkfifo', ['-m', '600', ...names.map((name) => this.path(name))]);
    this.#free.push(...names);
  }
}
