import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Outcome } from '../src/shell/execution.ts';
import { type Patience, type WaitEnd, waitForEnd } from '../src/shell/patience.ts';
import { ShellSessions, type ShellSessionsOptions } from '../src/shell/sessions.ts';

export interface Ran {
  readonly id: string;
  readonly end: WaitEnd;
  readonly output: string;
  readonly outcome: Outcome | undefined;
  readonly hints: string;
}

/** Shell sessions in a folder of their own, which go with everything in them when disposed of. */
export class TestShells implements AsyncDisposable {
  readonly sessions: ShellSessions;
  readonly workspace: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'shells-'));

  constructor(options: Partial<ShellSessionsOptions> = {}) {
    this.workspace = this.#folder;
    this.sessions = new ShellSessions({
      runDir: join(this.#folder, 'run'),
      workspace: this.#folder,
      env: () => ({ PATH: process.env.PATH ?? '', HOME: this.#folder, LANG: 'C.UTF-8', ...marked() }),
      ...options,
    });
  }

  async run(id: string | undefined, command: string | Command, patience: Patience = {}): Promise<Ran> {
    const what = typeof command === 'string' ? { text: command } : command;
    const { entry, execution } = await this.sessions.start(id, what, {}, { queueTimeoutMs: 10_000 });
    const end = await waitForEnd(execution, { timeoutMs: 20_000, ...patience });
    const { text: output } = execution.text();
    return {
      id: entry.session.id,
      end,
      output,
      outcome: execution.outcome,
      hints: execution.hints.join(' '),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sessions[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true });
  }
}

/** What lets the leak check find processes of a test run. */
function marked(): Record<string, string> {
  const mark = process.env.LEAK_CHECK_RUN;
  return mark === undefined ? {} : { LEAK_CHECK_RUN: mark };
}
