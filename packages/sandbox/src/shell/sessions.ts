/** The shell sessions of a sandbox: which there are, and which one a call gets. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { Fault } from '@paddock/protocol';
import { enterable } from '../processes/index.ts';
import { type Command, Execution } from './execution.ts';
import { waitForStart } from './patience.ts';
import { ShellSession } from './session.ts';

export interface ShellSessionsOptions {
  /** A folder of the server's own, for what sessions need. Made when it is not there. */
  readonly runDir: string;
  /** The folder that sessions start in. */
  readonly workspace: string;
  /** The environment that sessions start with. */
  readonly env: () => Readonly<Record<string, string>>;
  /** The most sessions that may be live at once. */
  readonly maxSessions?: number;
  /** Ends a session that was idle for so long; 0 for never. */
  readonly sessionTimeoutMs?: number;
}

/** What a new session is made with. */
export interface SessionSettings {
  readonly dir?: string | undefined;
  readonly noChangeTimeoutMs?: number | undefined;
  readonly preserveSymlinks?: boolean | undefined;
}

/** A session, with what the server keeps about it. */
export interface SessionEntry {
  readonly session: ShellSession;
  /** The caller named no session, so that the next such caller may get this one. */
  readonly picked: boolean;
  noChangeTimeoutMs: number;
}

/** What remains of a session that ended by itself: its last command, and why. */
export interface EndedSession {
  readonly why: string;
  readonly latest: Execution | undefined;
}

/** A command that was started. */
export interface Started {
  readonly entry: SessionEntry;
  readonly execution: Execution;
}

export const defaultNoChangeTimeoutMs = 120_000;
const defaultQueueTimeoutMs = 120_000;
const defaultMaxSessions = 64;
/** How many ended sessions are remembered, each with the output of its last command. */
const endedLimit = 32;

export class ShellSessions implements AsyncDisposable {
  readonly maxSessions: number;
  readonly sessionTimeoutMs: number;
  readonly #options: ShellSessionsOptions;
  readonly #live = new Map<string, SessionEntry>();
  readonly #ended = new Map<string, EndedSession>();
  readonly #reaper: NodeJS.Timeout | undefined;

  constructor(options: ShellSessionsOptions) {
    this.#options = options;
    this.maxSessions = options.maxSessions ?? defaultMaxSessions;
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 0;
    const { sessionTimeoutMs } = this;
    if (sessionTimeoutMs > 0) {
      this.#reaper = setInterval(() => this.#reap(), Math.min(sessionTimeoutMs / 2, 30_000)).unref();
    }
  }

  /** Whether a command runs. */
  get busy(): boolean {
    return [...this.#live.values()].some(({ session }) => session.standing === 'running');
  }

  get entries(): Iterable<SessionEntry> {
    return this.#live.values();
  }

  /** The live session of this id, or what remains of it. */
  find(id: string): SessionEntry | EndedSession {
    const found = this.#live.get(id) ?? this.#ended.get(id);
    if (found === undefined) throw new Fault('session_not_found');
    return found;
  }

  /** The live session of this id; made when there is none. Callers that come at once get the same one. */
  async create(id: string | undefined, settings: SessionSettings): Promise<SessionEntry> {
    const entry = this.#obtain(id || randomUUID(), settings, false);
    await entry.session.ready;
    return entry;
  }

  /**
   * Runs a command in the session of this id, behind those that came before it, or without an id in one that is idle.
   * Resolves when the command has started.
   *
   * @param queueTimeoutMs how long it may wait behind others
   * @throws {Fault} session_busy, session_limit, session_failed, working_dir_not_found; nothing ran then
   */
  async start(
    id: string | undefined,
    command: Command,
    settings: SessionSettings,
    wait: { queueTimeoutMs?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<Started> {
    const { signal, queueTimeoutMs = defaultQueueTimeoutMs } = wait;
    let deadline: number | undefined;
    for (;;) {
      const hints: string[] = [];
      const entry = id ? this.#obtain(id, settings, false, hints) : this.#pick(settings);
      const execution = new Execution(command);
      execution.hints.push(...hints);
      entry.session.submit(execution);
      // The start of a shell is not a wait behind others.
      if (entry.session.standing === 'starting') await readyOrGone(entry.session, signal);
      deadline ??= performance.now() + queueTimeoutMs;
      const end = await waitForStart(execution, { timeoutMs: deadline - performance.now(), signal });
      if (end !== 'ended' && entry.session.withdraw(execution)) throw new Fault('session_busy');
      if (execution.progress.at !== 'dropped') return { entry, execution };
      if (execution.progress.fault !== undefined) throw execution.progress.fault;
      // Its session ended while it was in the queue: the next round makes a fresh one.
    }
  }

  /** Ends a session and all that runs in it, and forgets it. */
  async delete(id: string): Promise<void> {
    const live = this.#live.get(id);
    if (live === undefined && !this.#ended.delete(id)) throw new Fault('session_not_found');
    await live?.session.close('was deleted');
    this.#ended.delete(id);
  }

  /** Ends every session. */
  async deleteAll(): Promise<void> {
    await Promise.all(Array.from(this.#live.values(), ({ session }) => session.close('was deleted')));
    this.#ended.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#reaper);
    await this.deleteAll();
  }

  /** The idle session without a name that was used last, or a new one: such a call never waits for another's command. */
  #pick(settings: SessionSettings): SessionEntry {
    let best: SessionEntry | undefined;
    for (const entry of this.#live.values()) {
      if (!entry.picked || entry.session.standing !== 'idle') continue;
      if (best === undefined || entry.session.lastUsedAt >= best.session.lastUsedAt) best = entry;
    }
    return best ?? this.#obtain(randomUUID(), settings, true);
  }

  #obtain(id: string, settings: SessionSettings, picked: boolean, hints: string[] = []): SessionEntry {
    const existing = this.#live.get(id);
    if (existing !== undefined) return existing;
    if (this.#live.size >= this.maxSessions) throw new Fault('session_limit');
    const { dir: wanted, noChangeTimeoutMs = defaultNoChangeTimeoutMs, preserveSymlinks = false } = settings;
    const dir = wanted === undefined ? this.#startDir() : this.#checked(wanted);
    mkdirSync(this.#options.runDir, { recursive: true, mode: 0o700 });
    const session = new ShellSession({
      id,
      runDir: this.#options.runDir,
      dir: preserveSymlinks ? dir : realpathSync(dir),
      env: this.#options.env(),
      preserveSymlinks,
      onEnd: (why) => this.#onEnd(entry, why),
    });
    const entry: SessionEntry = { session, picked, noChangeTimeoutMs };
    this.#live.set(id, entry);
    const before = this.#ended.get(id);
    this.#ended.delete(id);
    if (before !== undefined) hints.push(`The session ${before.why}; this is a fresh shell.`);
    return entry;
  }

  #onEnd(entry: SessionEntry, why: string): void {
    const { id, latest } = entry.session;
    this.#live.delete(id);
    if (entry.picked) return;
    this.#ended.set(id, { why, latest });
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= endedLimit) break;
      this.#ended.delete(oldest);
    }
  }

  #checked(dir: string): string {
    const { path, fault } = enterable({ dir, strict: true });
    if (path === undefined) throw fault ?? new Fault('working_dir_not_found');
    return path;
  }

  /** The workspace, or the nearest folder above it when a command removed it. */
  #startDir(): string {
    let dir = this.#options.workspace;
    while (enterable({ dir }).path === undefined && dir !== '/') dir = dirname(dir);
    return dir;
  }

  #reap(): void {
    const before = Date.now() - this.sessionTimeoutMs;
    for (const { session } of this.#live.values()) {
      if (session.standing === 'idle' && session.lastUsedAt.getTime() < before) {
        void session.close('was idle for longer than sessions may be');
      }
    }
  }
}

function readyOrGone(session: ShellSession, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    signal?.addEventListener('abort', finish);
    // A failure reaches the caller through the command that was dropped for it.
    session.ready.then(finish, finish);
  });
}
