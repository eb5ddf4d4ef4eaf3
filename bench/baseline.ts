import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../test/support/child.ts';
import { Connection } from '../test/support/connection.ts';

/** What runs a command, or nothing at all, with the least that Node needs for it: a server from `bench/baselines`. */
export class Baseline implements AsyncDisposable {
  readonly child: Child;
  readonly connection: Connection;
  readonly #folder: string;

  /** Starts it, on a socket in a temporary folder. It may not listen yet. */
  constructor(name: 'bare' | 'pipe' | 'spawn' | 'files' | 'pty' | 'count') {
    this.#folder = mkdtempSync(join(tmpdir(), 'baseline-'));
    const socketPath = join(this.#folder, 'socket');
    this.child = new Child(
      join(import.meta.dirname, 'baselines', `${name}.cjs`),
      { PATH: process.env.PATH },
      [socketPath],
    );
    this.connection = new Connection({ socketPath });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection[Symbol.dispose]();
    await this.child[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
