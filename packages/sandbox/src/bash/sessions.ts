/** The sessions of bash commands: which there are, and the commands in them. */
import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Fault } from '@paddock/protocol';
import { enterable } from '../processes/index.ts';
import { BashCommand } from './command.ts';
import { Lanes } from './lanes.ts';
import { PipePool } from './pipes.ts';
import { RetainedCommands } from './retained.ts';
import { longestArgumentBytes } from './script.ts';
import { BashSession } from './session.ts';

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
  /** Its input can be written to; else it is empty, so that a command that reads it does not wait for ever. */
  readonly takesInput?: boolean | undefined;
}

/** A command that was started. */
export interface Started {
  readonly session: BashSession;
  readonly command: BashCommand;
}

/** So many sessions without a running command are remembered, those that were used last, and the ids of closed ones. */
const rememberedLimit = 4096;

export class BashSessions implements AsyncDisposable {
  readonly #options: BashSessionsOptions;
  readonly #sessions = new Map<string, BashSession>();
  readonly #closed = new Set<string>();
  readonly #unreleased = new Set<BashCommand>();
  readonly #retained = new RetainedCommands();
  #pool: PipePool | undefined;
  #lanes: Lanes | undefined;
  readonly #oldLanes = new Set<Promise<void>>();

  constructor(options: BashSessionsOptions) {
    this.#options = options;
  }

  /** The open sessions, those that were used last at the end. */
  get sessions(): Iterable<BashSession> {
    return this.#sessions.values();
  }

  /** A command runs. */
  get busy(): boolean {
    return Array.from(this.#unreleased).some(({ status }) => status === 'running');
  }

  /** Has a shell wait for the first command. */
  prepare(): void {
    try {
      this.#currentLanes(this.#currentPool()).prepare();
    } catch {
      // Whoever starts the first command is told.
    }
  }

  /** @throws {Fault} session_not_found */
  find(id: string): BashSession {
    const session = this.#sessions.get(id);
    if (session === undefined) throw new Fault('session_not_found');
    return session;
  }

  /** The session of this id, made to be worked with by hand when there is none. */
  create(
    id: string | undefined,
    settings: { dir?: string | undefined; snapshotPath?: string | undefined },
  ): BashSession {
    const { snapshotPath } = settings;
    if (snapshotPath !== undefined && !isReadable(snapshotPath)) {
      throw new Fault('file_not_found', 'snapshot_path does not exist or cannot be read.');
    }
    return this.#obtain(id || randomUUID(), settings.dir, { takesInput: true, snapshotPath });
  }

  /**
   * Starts a command.
   *
   * @throws {Fault} working_dir_not_found, session_closed, session_failed; nothing ran then
   */
  async start(id: string | undefined, request: BashRequest): Promise<Started> {
    const session = this.#obtain(id || randomUUID(), request.dir, { takesInput: false });
    const command = await this.#run(session, request);
    session.commandCount += 1;
    session.commands.set(command.id, command);
    this.#unreleased.add(command);
    void command.ended.then(() => {
      session.lastUsedAt = new Date();
      this.#retained.add(command, () => session.commands.delete(command.id));
    });
    void command.released.then(() => this.#unreleased.delete(command));
    return { session, command };
  }

  /**
   * Ends a session, its commands and what they left behind. Its id cannot be used again.
   *
   * @throws {Fault} session_not_found
   */
  async close(id: string): Promise<void> {
    const session = this.find(id);
    this.#sessions.delete(id);
    this.#closed.add(id);
    dropOldest(this.#closed, this.#closed);
    await Promise.all(
      Array.from(session.commands.values(), async (command) => {
        if (this.#unreleased.has(command)) await command.stop('killed');
        this.#retained.delete(command);
      }),
    );
  }

  /** Ends every command and what it left behind. */
  async [Symbol.asyncDispose](): Promise<void> {
    const lanes = this.#lanes?.[Symbol.asyncDispose]();
    await Promise.all(Array.from(this.#unreleased, (command) => command.stop('killed')));
    await Promise.all([lanes, ...this.#oldLanes]);
    this.#pool?.[Symbol.dispose]();
  }

  #obtain(
    id: string,
    wantedDir: string | undefined,
    options: { takesInput: boolean; snapshotPath?: string | undefined },
  ): BashSession {
    if (this.#closed.has(id)) throw new Fault('session_closed');
    const known = this.#sessions.get(id);
    const dir = this.#checked(wantedDir ?? known?.dir ?? this.#options.workspace);
    const session = known ?? new BashSession(id, dir, options);
    session.dir = dir;
    session.lastUsedAt = new Date();
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    dropOldest(this.#sessions, this.#idle());
    return session;
  }

  *#idle(): Generator<string> {
    for (const [id, { running }] of this.#sessions) if (running.length === 0) yield id;
  }

  #checked(dir: string): string {
    const { path, fault } = enterable({ dir, strict: true });
    if (path === undefined) throw fault ?? new Fault('working_dir_not_found');
    return path;
  }

  async #run(session: BashSession, request: BashRequest): Promise<BashCommand> {
    const { text, env = {}, hardTimeoutMs, takesInput = session.takesInput } = request;
    const tooLong = Object.entries(env).find(
      ([n, v]) => Buffer.byteLength(`${n}=${v}`) > longestArgumentBytes,
    );
    if (tooLong !== undefined) throw notStarted('a variable of env is longer than 128 KiB');
    const { dir, snapshotPath } = session;
    const { PWD: _none, ...variables } = env;
    try {
      const pool = this.#currentPool();
      const file = pool.path(`command-${randomUUID()}`);
      const spare = await this.#currentLanes(pool).take();
      const script = { text, dir, env: variables, readsInput: takesInput, snapshotPath };
      return new BashCommand({ spare, script, file, hardTimeoutMs });
    } catch (error) {
      throw notStarted(error instanceof Error ? error.message : String(error), error);
    }
  }

  #currentPool(): PipePool {
    this.#pool ??= new PipePool(made(this.#options.runDir));
    return this.#pool;
  }

  /** Those that were started with the environment that commands have now. */
  #currentLanes(pool: PipePool): Lanes {
    const env = this.#options.env();
    if (this.#lanes !== undefined && isDeepStrictEqual(this.#lanes.env, env)) return this.#lanes;
    if (this.#lanes !== undefined) {
      const ending = this.#lanes[Symbol.asyncDispose]().finally(() => this.#oldLanes.delete(ending));
      this.#oldLanes.add(ending);
    }
    this.#lanes = new Lanes(pool, env);
    return this.#lanes;
  }
}

function notStarted(reason: string, cause?: unknown): Fault {
  return new Fault('session_failed', `The command could not be started: ${reason}. Nothing ran.`, { cause });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function dropOldest(
  all: { readonly size: number; delete(id: string): boolean },
  oldestFirst: Iterable<string>,
): void {
  if (all.size <= rememberedLimit) return;
  for (const id of oldestFirst) {
    all.delete(id);
    return;
  }
}

function made(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}
