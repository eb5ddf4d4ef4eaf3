import type { Logger } from 'pino';
import { SandboxFolder } from './folder.ts';
import type { Mounts } from './mounts.ts';
import { ServerProcess, type ServerSetup } from './server-process.ts';

/** A server that is nobody's yet, on a folder of its own. */
export interface WarmServer {
  readonly server: ServerProcess;
  readonly folder: SandboxFolder;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** Started servers of one kind kept ready to be claimed, and the only place where servers for new sandboxes are started. */
export class WarmPool {
  /** How its servers are set up, and those that start again on files that one of them had. */
  readonly setup: ServerSetup;
  readonly #parent: string;
  readonly #size: number;
  readonly #log: Logger;
  readonly #warm = new Set<WarmServer>();
  readonly #adding = new Set<Promise<void>>();
  #retryMs = firstRetryMs;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  /** Why the latest start failed; undefined after one that worked. */
  lastFailure: string | undefined;

  constructor(setup: ServerSetup, options: { parent: string; size: number; log: Logger }) {
    this.setup = setup;
    this.#parent = options.parent;
    this.#size = options.size;
    this.#log = options.log;
  }

  /** A warm server to answer the probe with. */
  peek(): ServerProcess | undefined {
    return this.#warm.values().next().value?.server;
  }

  /** A server for a new sandbox: a warm one if there is one, else a cold start. The pool is refilled behind it. */
  async take(): Promise<WarmServer> {
    const warm = this.#warm.values().next().value;
    if (!warm) return this.startCold();
    this.#warm.delete(warm);
    // Not now: a start competes for the processor with the first command of the one who claims.
    setTimeout(() => this.fill(), 50).unref();
    return warm;
  }

  /**
   * Starts a server on a new folder.
   *
   * @param mounts what only this one is to see. A failure with them says nothing of other starts.
   */
  async startCold(mounts?: Mounts): Promise<WarmServer> {
    const folder = SandboxFolder.create(this.#parent, this.setup.bubblewrap !== undefined);
    try {
      const server = await ServerProcess.start(this.setup, folder, mounts);
      this.lastFailure = undefined;
      return { server, folder };
    } catch (error) {
      await folder.delete();
      if (!mounts) this.lastFailure = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** Puts a started server into the pool. It leaves by itself when it ends. */
  add(warm: WarmServer): void {
    this.#warm.add(warm);
    void warm.server.ended.then(async (reason) => {
      if (!this.#warm.delete(warm)) return; // Claimed, or the pool is closing.
      this.#log.warn({ reason }, 'a warm sandbox server ended; starting another');
      await warm.folder.delete();
      this.fill();
    });
  }

  /** Starts what is missing. A start that fails is said once, and tried again ever more slowly. */
  fill(): void {
    if (this.#closed || this.#retry) return;
    const missing = this.#size - this.#warm.size - this.#adding.size;
    for (let i = 0; i < missing; i++) {
      const adding = this.#addOne().finally(() => this.#adding.delete(adding));
      this.#adding.add(adding);
    }
  }

  async #addOne(): Promise<void> {
    try {
      const warm = await this.startCold();
      if (this.#closed) return await discard(warm);
      if (this.#retryMs > firstRetryMs) this.#log.info('sandbox servers can be started again');
      this.#retryMs = firstRetryMs;
      this.add(warm);
    } catch (error) {
      if (this.#closed || this.#retry) return;
      // Said once: the retries that fail as well tell nothing new.
      if (this.#retryMs === firstRetryMs)
        this.#log.error({ err: error }, 'cannot start a sandbox server for the warm pool; trying again');
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.fill();
      }, this.#retryMs).unref();
      this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs);
    }
  }

  /** Ends every warm server, and waits for those that are starting. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const warm = [...this.#warm];
    this.#warm.clear();
    await Promise.all(warm.map(discard));
    await Promise.all(this.#adding);
  }
}

async function discard({ server, folder }: WarmServer): Promise<void> {
  await server.stop();
  await folder.delete();
}
