import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@paddock/config';
import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import {
  type Claim,
  type Engine,
  type Kept,
  type Readiness,
  type SandboxName,
  type Server,
  SetupError,
} from '../engine.ts';
import { ControlGroups, findHierarchy } from './cgroups.ts';
import { type FolderRecord, SandboxFolder } from './folder.ts';
import { chooseNetwork } from './network.ts';
import { WarmPool } from './pool.ts';
import { findBubblewrap } from './prerequisites.ts';
import { ServerProcess, type ServerSetup } from './server-process.ts';
import { writeSystemFiles } from './system-files.ts';

interface LocalSandbox {
  readonly record: FolderRecord;
  readonly folder: SandboxFolder;
  server: ServerProcess | undefined;
}

export interface LocalEngineOptions {
  readonly config: Pick<
    Config,
    | 'dataDir'
    | 'skillsPath'
    | 'network'
    | 'warmSandboxes'
    | 'memoryLimitMib'
    | 'cpuLimit'
    | 'processLimit'
    | 'softFileFailures'
  >;
  /** The folder with the sandbox server's bundle. */
  readonly serverFolder: string;
  /** The gateways' public keys, as servers read them. */
  readonly publicKeys: string;
  readonly log: Logger;
}

/** Sandboxes as processes on this machine, each in bubblewrap, reached by a Unix socket. */
export class LocalEngine implements Engine {
  readonly #pool: WarmPool;
  readonly #setup: ServerSetup;
  readonly #parent: string;
  readonly #log: Logger;
  readonly #sandboxes = new Map<SandboxName, LocalSandbox>();
  readonly #claiming = new Set<Promise<unknown>>();
  readonly facts: Readonly<Record<string, string>>;

  private constructor(setup: ServerSetup, { config, log }: LocalEngineOptions) {
    this.#setup = setup;
    this.#parent = join(config.dataDir, 'sandboxes');
    this.#log = log;
    this.#pool = new WarmPool(setup, { parent: this.#parent, size: config.warmSandboxes, log });
    const { network } = setup;
    this.facts = {
      engine: 'local',
      isolation: 'bubblewrap',
      limits: setup.groups?.controllers.join(', ') || 'none',
      network: network.kind,
      ...(network.kind === 'outbound' && { privateNetworks: network.blocker ? 'blocked' : 'reachable' }),
    };
  }

  /**
   * Finds out what this machine offers.
   *
   * @throws {SetupError} when sandboxes cannot run here.
   */
  static async create(options: LocalEngineOptions): Promise<LocalEngine> {
    const { config, serverFolder, publicKeys, log } = options;
    const bubblewrap = await findBubblewrap();
    const network = chooseNetwork(config.network, (text) => log.warn(text));
    if (network.kind === 'host') log.warn('network is "host": sandboxes share the loopback of this machine');
    if (!statSync(config.skillsPath, { throwIfNoEntry: false })?.isDirectory()) {
      throw new SetupError(
        `skillsPath ${config.skillsPath} is not a folder`,
        'Create it, or set SKILLS_PATH.',
      );
    }
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
    const systemFiles = writeSystemFiles(join(config.dataDir, 'etc'), network);
    const enclosure = {
      systemFiles,
      skillsPath: config.skillsPath,
      nodePath: process.execPath,
      serverFolder,
    };
    const groups = openGroups(config, log);
    const serverEnv = { PADDOCK_SOFT_FILE_FAILURES: String(config.softFileFailures) };
    const logLine = (server: string, line: string) => log.warn({ server, line }, 'a sandbox server said');
    return new LocalEngine(
      { bubblewrap, network, enclosure, publicKeys, groups, serverEnv, log: logLine },
      options,
    );
  }

  async start(): Promise<void> {
    for (const { folder, record } of await SandboxFolder.findAll(this.#parent)) {
      this.#sandboxes.set(record.name, { folder, record, server: undefined });
    }
    try {
      this.#pool.add(await this.#pool.startCold());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SetupError(`a sandbox cannot be started here: ${reason}`, 'Correct what the message names.', {
        cause: error,
      });
    }
    this.#pool.fill();
  }

  async claim(claim: Claim): Promise<Kept & { readonly server: Server }> {
    const claimed = this.#claim(claim).finally(() => this.#claiming.delete(claimed));
    this.#claiming.add(claimed);
    return claimed;
  }

  async #claim(claim: Claim): Promise<Kept & { readonly server: Server }> {
    try {
      const sandbox = this.#sandboxes.get(claim.name) ?? (await this.#claimNew(claim));
      const server = sandbox.server ?? (await this.#startAgain(sandbox));
      return { ...sandbox.record, server };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault('sandbox_failed', `the sandbox could not be started: ${reason}`, { cause: error });
    }
  }

  async #claimNew(claim: Claim): Promise<LocalSandbox> {
    const { server, folder } = await this.#pool.take();
    const sandbox: LocalSandbox = { record: { ...claim, createdAt: new Date() }, folder, server: undefined };
    folder.assign(sandbox.record);
    this.#sandboxes.set(claim.name, sandbox);
    this.#adopt(sandbox, server);
    return sandbox;
  }

  async #startAgain(sandbox: LocalSandbox): Promise<ServerProcess> {
    const server = await ServerProcess.start(this.#setup, sandbox.folder);
    this.#adopt(sandbox, server);
    return server;
  }

  #adopt(sandbox: LocalSandbox, server: ServerProcess): void {
    sandbox.server = server;
    void server.ended.then((reason) => {
      if (sandbox.server !== server) return; // Released.
      sandbox.server = undefined;
      this.#log.warn({ sandbox: sandbox.record.name, reason }, 'a sandbox server ended; its files are kept');
    });
  }

  list(): readonly Kept[] {
    return Array.from(this.#sandboxes.values(), ({ record, server }) => ({ ...record, server }));
  }

  async release(name: SandboxName): Promise<void> {
    const sandbox = this.#sandboxes.get(name);
    if (!sandbox) return;
    this.#sandboxes.delete(name);
    await stopServer(sandbox);
    await sandbox.folder.delete();
  }

  readiness(): Readiness {
    const probe = this.#pool.peek();
    if (probe || this.#pool.lastFailure === undefined) return { ready: true, probe };
    return { ready: false, reason: this.#pool.lastFailure };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#claiming);
    await this.#pool.close();
    await Promise.all(Array.from(this.#sandboxes.values(), stopServer));
    this.#setup.groups?.close();
  }
}

async function stopServer(sandbox: LocalSandbox): Promise<void> {
  const { server } = sandbox;
  sandbox.server = undefined;
  await server?.stop();
}

function openGroups(config: LocalEngineOptions['config'], log: Logger): ControlGroups | undefined {
  const hierarchy = findHierarchy(readFileSync('/proc/self/mounts', 'utf8'));
  const limits = {
    memoryBytes: config.memoryLimitMib * 1024 * 1024,
    cpus: config.cpuLimit,
    processes: config.processLimit,
  };
  const groups = hierarchy && ControlGroups.open(hierarchy, config.dataDir, limits);
  const missing = ['memory', 'pids'].filter((name) => !groups?.controllers.some((found) => found === name));
  if (missing.length > 0) {
    log.warn(`no limit of ${missing.join(' and ')} for sandboxes: this user may not make control groups`);
  }
  return groups;
}
