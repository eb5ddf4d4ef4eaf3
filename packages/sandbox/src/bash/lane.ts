/** A bash that forks the shells of commands, one at a time: see script.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import type { ProcessMark } from '../processes/index.ts';
import { type Channel, openChannel } from './channel.ts';
import type { PipePool } from './pipes.ts';
import { commandMark, laneScript } from './script.ts';

/** A bash that waits for a command. */
export interface Spare {
  /** The command's id. */
  readonly id: string;
  /** What its processes carry. */
  readonly mark: ProcessMark;
  /** Its process, which leads a process group of this number. */
  readonly pid: number;
  readonly channel: Channel;
  /** Its exit code when it has ended, 128 and more for a signal; undefined when that cannot be known any more. */
  readonly exited: Promise<number | undefined>;
}

interface Pending {
  readonly id: string;
  readonly started: PromiseWithResolvers<number>;
  readonly ended: PromiseWithResolvers<number | undefined>;
  isStarted: boolean;
}

const highestMark = 2 ** 48 - 1;

export class Lane {
  readonly #process: ChildProcess;
  readonly #pool: PipePool;
  #pending: Pending | undefined;
  #failure: Error | undefined;
  #unread = '';
  #ending = false;

  constructor(pool: PipePool, env: Readonly<Record<string, string>>) {
    this.#pool = pool;
    this.#process = spawn('bash', ['--noprofile', '--norc', '-c', laneScript, 'bash'], {
      cwd: pool.folder,
      env,
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#process.once('error', (error) => this.#fail(error));
    this.#process.once('exit', () => this.#fail(new Error('the shell that starts commands has ended')));
    // Its end is seen by its exit; a write that comes too late has nothing to add.
    this.#process.stdin?.on('error', () => undefined);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#onReports(text));
  }

  /** It can start one more. */
  get isLive(): boolean {
    return this.#failure === undefined && !this.#ending;
  }

  /** Starts a bash that waits for a command. One at a time: the one before must have ended. */
  async prepare(): Promise<Spare> {
    const channel = await openChannel(this.#pool);
    try {
      if (this.#failure !== undefined) throw this.#failure;
      const pending = {
        id: randomUUID(),
        started: Promise.withResolvers<number>(),
        ended: Promise.withResolvers<number | undefined>(),
        isStarted: false,
      };
      this.#pending = pending;
      const { id } = pending;
      const fileLocks = randomInt(highestMark);
      this.#process.stdin?.write(`${id} ${fileLocks} ${channel.names.join(' ')}\n`);
      const pid = await pending.started.promise;
      channel.listen();
      const mark = { variable: `${commandMark}=${id}`, fileLocks };
      return { id, mark, pid, channel, exited: pending.ended.promise };
    } catch (error) {
      channel[Symbol.dispose]();
      throw error;
    }
  }

  /** Lets it end once the command that it waits for has. */
  end(): void {
    this.#ending = true;
    this.#process.stdin?.end();
  }

  #onReports(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) {
      const [what, id, number] = line.split(' ');
      const pending = this.#pending;
      if (pending === undefined || id !== pending.id) continue;
      if (what === 'started') {
        pending.isStarted = true;
        pending.started.resolve(Number(number));
      } else {
        if (!pending.isStarted) pending.started.reject(new Error(`bash ended with status ${number}`));
        pending.ended.resolve(number === 'stopped' ? undefined : Number(number));
      }
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#pending?.started.reject(this.#failure);
    this.#pending?.ended.resolve(undefined);
  }
}
