/** The sessions of bash commands. All that a session keeps is the folder that its next command starts in. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Fault } from '@paddock/protocol';
import { enterable } from '../processes/index.ts';
import { BashCommand } from './command.ts';
import { PipePool } from './pipes.ts';

export interface BashSessionsOptions {
  /** A folder of the server's own. Made when it is not there. */
  readonly runDir: string;
  /** The folder that sessions start in. */
  readonly workspace: string;
  /** The environment that commands start with. */
  readonly env: () => Readonly<Record<string, string>>;
}

export interface BashRequest {
  readonly text: string;
  /** Starts there, and later commands of the session as well. */
  readonly dir?: string | undefined;
  /** Variables for this command only. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly hardTimeoutMs?: number | undefined;
}

/** The folders of so many sessions are remembered, those that were used last. */
const rememberedLimit = 4096;

export class BashSessions implements AsyncDisposable {
  readonly #options: BashSessionsOptions;
  readonly #dirs = new Map<string, string>();
  readonly #commands = new Set<BashCommand>();
  #pool: PipePool | undefined;

  constructor(options: BashSessionsOptions) {
    this.#options = options;
  }

  /** Whether a command runs. */
  get busy(): boolean {
    return this.#commands.size > 0;
  }

  /**
   * Starts a command.
   *
   * @throws {Fault} working_dir_not_found, session_failed; nothing ran then
   */
  async start(
    id: string | undefined,
    request: BashRequest,
  ): Promise<{ sessionId: string; command: BashCommand }> {
    const sessionId = id || randomUUID();
    const dir = this.#dirFor(sessionId, request.dir);
    const command = await this.#spawn(dir, request);
    this.#remember(sessionId, dir);
    this.#commands.add(command);
    void command.released.then(() => this.#commands.delete(command));
    return { sessionId, command };
  }

  /** Ends every command and what it left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#commands, (command) => command.kill('killed')));
    this.#pool?.[Symbol.dispose]();
  }

  #dirFor(id: string, wanted: string | undefined): string {
    const dir = wanted ?? this.#dirs.get(id) ?? this.#options.workspace;
    const { path, fault } = enterable({ dir, strict: true });
    if (path === undefined) throw fault ?? new Fault('working_dir_not_found');
    return path;
  }

  #remember(id: string, dir: string): void {
    this.#dirs.delete(id);
    this.#dirs.set(id, dir);
    const [oldest] = this.#dirs.keys();
    if (oldest !== undefined && this.#dirs.size > rememberedLimit) this.#dirs.delete(oldest);
  }

  async #spawn(dir: string, { text, env, hardTimeoutMs }: BashRequest): Promise<BashCommand> {
    try {
      this.#pool ??= new PipePool(made(this.#options.runDir));
      const { folder } = this.#pool;
      const [stdout, stderr] = await Promise.all([this.#pool.take(), this.#pool.take()]);
      return await BashCommand.start({
        id: randomUUID(),
        text,
        dir,
        env: { ...this.#options.env(), ...env, PWD: dir },
        hardTimeoutMs,
        folder,
        stdout,
        stderr,
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault('session_failed', `The command could not be started: ${reason}. Nothing ran.`, {
        cause: error,
      });
    }
  }
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
