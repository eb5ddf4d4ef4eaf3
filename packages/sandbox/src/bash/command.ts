/** One command in a bash of its own: a fresh process group and session, output and errors apart. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { BashStatus } from '@paddock/protocol';
import { OutputRing } from '../output/ring.ts';
import { endAll, sessionMembers } from '../processes/index.ts';
import { closeWriters, type OutputPipe } from './pipes.ts';

export interface BashCommandOptions {
  readonly id: string;
  readonly text: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Kill it after so long. */
  readonly hardTimeoutMs?: number | undefined;
  /** A folder for a command that is too long to be an argument. */
  readonly folder: string;
  readonly stdout: OutputPipe;
  readonly stderr: OutputPipe;
}

/** Linux takes no argument longer than 128 KiB, its closing NUL included. */
const longestArgumentBytes = 128 * 1024 - 1;
/** Time to clean up between SIGTERM and SIGKILL. */
const terminateGraceMs = 250;
/** After the exit: for how many rounds output must be silent to count as complete although a child holds the pipes. */
const drainQuietRounds = 3;
const drainRoundMs = 15;
const drainLimitMs = 1000;

export class BashCommand {
  readonly id: string;
  readonly text: string;
  readonly stdout = new OutputRing();
  readonly stderr = new OutputRing();
  /** Resolves when it has exited and its output is complete. */
  readonly ended: Promise<void>;
  /** Resolves when nothing holds its output any more, be it a child that it left in the background. */
  readonly released: Promise<void>;
  readonly #process: ChildProcess;
  readonly #pipes: readonly OutputPipe[];
  #status: BashStatus = 'running';
  #stopping: 'timed_out' | 'killed' | undefined;
  #killing: Promise<void> | undefined;
  #exitCode: number | null = null;
  #openPipes = 2;

  /** @throws what the system gives when the process cannot be started */
  static async start(options: BashCommandOptions): Promise<BashCommand> {
    const command = new BashCommand(options);
    await once(command.#process, 'spawn');
    return command;
  }

  private constructor(options: BashCommandOptions) {
    const { id, text, dir, env, stdout, stderr, hardTimeoutMs } = options;
    this.id = id;
    this.text = text;
    this.#pipes = [stdout, stderr];
    try {
      this.#process = spawn('bash', bashArguments(options), {
        cwd: dir,
        env,
        detached: true,
        stdio: ['ignore', stdout.writerFd, stderr.writerFd],
      });
    } finally {
      closeWriters(stdout, stderr);
    }
    const closed = [this.#collect(stdout, this.stdout), this.#collect(stderr, this.stderr)];
    this.ended = this.#watch(hardTimeoutMs);
    this.released = Promise.all([this.ended, ...closed]).then(() => undefined);
  }

  get status(): BashStatus {
    return this.#status;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  get #printed(): number {
    return this.stdout.total + this.stderr.total;
  }

  /** Ends it and all that it started in its session. Resolves when they are gone. */
  async kill(status: 'timed_out' | 'killed'): Promise<void> {
    const { pid } = this.#process;
    if (this.#status === 'running') this.#stopping ??= status;
    if (pid !== undefined) {
      this.#killing ??= endAll(() => sessionMembers(pid), 'SIGTERM', terminateGraceMs);
      await this.#killing;
    }
    await this.ended;
    for (const { reader } of this.#pipes) reader.destroy();
  }

  #collect({ reader }: OutputPipe, ring: OutputRing): Promise<void> {
    reader.on('data', (bytes: Buffer) => ring.append(bytes));
    return new Promise((resolve) => {
      reader.once('close', () => {
        this.#openPipes -= 1;
        ring.trim();
        resolve();
      });
    });
  }

  async #watch(hardTimeoutMs: number | undefined): Promise<void> {
    const timer =
      hardTimeoutMs === undefined ? undefined : setTimeout(() => void this.kill('timed_out'), hardTimeoutMs);
    const [code, signal] = await exitOf(this.#process);
    clearTimeout(timer);
    await this.#killing;
    await this.#drained();
    this.#status = this.#stopping ?? 'completed';
    this.#exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  }

  /** Resolves when both pipes are at their end, or are silent because only a background child holds them. */
  #drained(): Promise<void> {
    const exitedAt = performance.now();
    return new Promise((resolve) => {
      const finish = () => {
        clearInterval(timer);
        for (const { reader } of this.#pipes) reader.off('close', onClose);
        resolve();
      };
      const onClose = () => {
        if (this.#openPipes === 0) finish();
      };
      // Rounds are counted, not time: a busy event loop reads between two rounds, but maybe not for longer than that.
      let quietRounds = 0;
      let seen = this.#printed;
      const timer = setInterval(() => {
        quietRounds = seen === this.#printed ? quietRounds + 1 : 0;
        seen = this.#printed;
        if (quietRounds >= drainQuietRounds || performance.now() - exitedAt >= drainLimitMs) finish();
      }, drainRoundMs);
      for (const { reader } of this.#pipes) reader.on('close', onClose);
      onClose();
    });
  }
}

function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
    child.once('error', () => resolve([null, null]));
  });
}

/** A long command goes by file; evaluated, so that messages name neither the file nor lines of ours. */
function bashArguments({ id, text, folder }: BashCommandOptions): string[] {
  if (Buffer.byteLength(text) <= longestArgumentBytes) return ['-c', text];
  const path = join(folder, id);
  writeFileSync(path, text, { mode: 0o600 });
  const script =
    'mapfile -d "" __paddock_c <"$1";rm -f -- "$1";shift;eval "unset -v __paddock_c;$__paddock_c"';
  return ['-c', script, 'bash', path];
}
