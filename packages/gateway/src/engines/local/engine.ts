import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Config } from '@paddock/config';
import { Fault } from '@paddock/protocol';
import { allocatorEnv } from '@paddock/protocol/allocator';
import type { Logger } from 'pino';
import {
  type Claim,
  type Claimed,
  type Engine,
  type Kept,
  type LogOptions,
  type Notes,
  type Readiness,
  type SandboxName,
  SetupError,
} from '../engine.ts';
import { Turns } from '../turns.ts';
import { watchOver } from './bare.ts';
import { ControlGroups, findHierarchy } from './cgroups.ts';
import { type FolderRecord, SandboxFolder } from './folder.ts';
import type { Limiter } from './limits.ts';
import { chooseNetwork, type Network } from './network.ts';
import { Pools } from './pools.ts';
import { findBubblewrap, mustBeLinux } from './prerequisites.ts';
import { Scopes } from './scopes.ts';
import type { ServerProcess, ServerSetup } from './server-process.ts';
import { Slots } from './slots.ts';
import { writeSystemFiles } from './system-files.ts';

interface LocalSandbox {
  record: FolderRecord;
  readonly folder: SandboxFolder;
  server: ServerProcess | undefined;
  /** What its server has not that was asked for. */
  warnings: readonly string[];
}

export interface LocalEngineOptions {
  readonly config: Pick<
    Config,
    | 'dataDir'
    | 'skillsPath'
    | 'isolation'
    | 'network'
    | 'warmSandboxes'
    | 'memoryLimitMib'
    | 'cpuLimit'
    | 'processLimit'
    | 'softFileFailures'
    | 'mountRoots'
    | 'templates'
  >;
  /** The folder with the sandbox server's bundle. */
  readonly serverFolder: string;
  /** The gateways' public keys, as servers read them. */
  readonly publicKeys: string;
  readonly log: Logger;
}

/** Sandboxes as processes on this machine, each in bubblewrap, reached by a Unix socket. */
export class LocalEngine implements Engine {
  readonly #pools: Pools;
  readonly #setup: ServerSetup;
  readonly #parent: string;
  readonly #log: Logger;
  readonly #sandboxes = new Map<SandboxName, LocalSandbox>();
  /** A claim and a release of one name do not meet. */
  readonly #turns = new Turns<SandboxName>();
  #closing = false;
  #watch: AsyncDisposable | undefined;
  readonly facts: Readonly<Record<string, string>>;

  private constructor(setup: ServerSetup, { config, log }: LocalEngineOptions) {
    this.#setup = setup;
    // Files that code without isolation could reach are never taken for those of an isolated sandbox.
    this.#parent = join(config.dataDir, setup.bubblewrap === undefined ? 'unisolated' : 'sandboxes');
    this.#log = log;
    this.#pools = new Pools(setup, { config, parent: this.#parent, log });
    const { network } = setup;
    this.facts = {
      engine: 'local',
      isolation: config.isolation,
      limits: setup.limiter?.controllers.join(', ') || 'none',
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
    const bubblewrap = config.isolation === 'none' ? undefined : await findBubblewrap();
    const network =
      bubblewrap === undefined
        ? withoutIsolation(config.network, log)
        : chooseNetwork(config.network, (text) => log.warn(text));
    if (bubblewrap !== undefined && network.kind === 'host')
      log.warn('network is "host": sandboxes share the loopback of this machine');
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
    const owner = `paddock-${createHash('sha256').update(config.dataDir).digest('hex').slice(0, 12)}`;
    const limiter = await openLimiter(owner, log);
    const limits = {
      memoryBytes: config.memoryLimitMib * 1024 * 1024,
      cpus: config.cpuLimit,
      processes: config.processLimit,
    };
    const starts = new Slots(2 * availableParallelism());
    const serverEnv = { ...allocatorEnv, PADDOCK_SOFT_FILE_FAILURES: String(config.softFileFailures) };
    const logLine = (server: string, line: string) => log.warn({ server, line }, 'a sandbox server said');
    return new LocalEngine(
      { bubblewrap, owner, network, enclosure, publicKeys, limiter, limits, starts, serverEnv, log: logLine },
      options,
    );
  }

  async start(): Promise<void> {
    if (this.#setup.bubblewrap === undefined) this.#watch = await watchOver(this.#setup.owner);
    for (const { folder, record } of await SandboxFolder.findAll(this.#parent)) {
      this.#sandboxes.set(record.name, { folder, record, server: undefined, warnings: [] });
    }
    try {
      const pool = this.#pools.unnamed;
      pool.add(await pool.startCold());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new SetupError(`a sandbox cannot be started here: ${reason}`, 'Correct what the message names.', {
        cause: error,
      });
    }
    this.#pools.fill();
  }

  async claim(claim: Claim): Promise<Claimed> {
    if (this.#closing) throw new Fault('sandbox_failed', 'the gateway is stopping');
    return this.#turns.take(claim.name, () => this.#claim(claim));
  }

  async #claim(claim: Claim): Promise<Claimed> {
    try {
      const sandbox = this.#sandboxes.get(claim.name) ?? (await this.#claimNew(claim));
      const server = sandbox.server ?? (await this.#startAgain(sandbox));
      return { ...sandbox.record, server, warnings: sandbox.warnings };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Fault('sandbox_failed', `the sandbox could not be started: ${reason}`, { cause: error });
    }
  }

  async #claimNew(claim: Claim): Promise<LocalSandbox> {
    const started = await this.#pools.take(claim);
    const { server, folder, warnings } = started;
    const record = { ...claim, createdAt: new Date() };
    const sandbox: LocalSandbox = { record, folder, server: undefined, warnings };
    try {
      folder.assign(record);
      folder.log.write('life', 'claimed');
    } catch (error) {
      await this.#pools.giveBack(claim, started); // It is still nobody's.
      throw error;
    }
    this.#sandboxes.set(claim.name, sandbox);
    this.#adopt(sandbox, server);
    return sandbox;
  }

  async #startAgain(sandbox: LocalSandbox): Promise<ServerProcess> {
    const { server, warnings } = await this.#pools.startAgain(sandbox.record, sandbox.folder);
    sandbox.warnings = warnings;
    this.#adopt(sandbox, server);
    return server;
  }

  async annotate(name: SandboxName, notes: Notes): Promise<void> {
    const sandbox = this.#sandboxes.get(name);
    if (!sandbox) return;
    sandbox.record = { ...sandbox.record, notes };
    sandbox.folder.assign(sandbox.record);
  }

  #adopt(sandbox: LocalSandbox, server: ServerProcess): void {
    sandbox.server = server;
    sandbox.folder.log.write('life', `a server was started: ${server.id}`);
    void server.ended.then((reason) => {
      if (sandbox.server !== server) return; // Released.
      sandbox.folder.log.write('life', `the server ended: ${reason}`);
      sandbox.server = undefined;
      this.#log.warn({ sandbox: sandbox.record.name, reason }, 'a sandbox server ended; its files are kept');
    });
  }

  async *logs(name: SandboxName, options: LogOptions): AsyncGenerator<string> {
    const sandbox = this.#sandboxes.get(name);
    if (sandbox) yield* sandbox.folder.log.read(options);
  }

  list(): readonly Kept[] {
    return Array.from(this.#sandboxes.values(), ({ record, server }) => ({ ...record, server }));
  }

  async release(name: SandboxName): Promise<void> {
    return this.#turns.take(name, () => this.#release(name));
  }

  async #release(name: SandboxName): Promise<void> {
    const sandbox = this.#sandboxes.get(name);
    if (!sandbox) return;
    this.#sandboxes.delete(name);
    sandbox.folder.log.write('life', 'released');
    await stopServer(sandbox);
    await sandbox.folder.delete();
  }

  readiness(): Readiness {
    const { unnamed } = this.#pools;
    const probe = unnamed.peek();
    if (probe || unnamed.lastFailure === undefined) return { ready: true, probe };
    return { ready: false, reason: unnamed.lastFailure };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#turns.all();
    // A file that cannot be deleted keeps no server alive.
    const ends = [this.#pools.close(), ...Array.from(this.#sandboxes.values(), stopServer)];
    const failed = (await Promise.allSettled(ends)).find(({ status }) => status === 'rejected');
    this.#setup.limiter?.close();
    await this.#watch?.[Symbol.asyncDispose]();
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

async function stopServer(sandbox: LocalSandbox): Promise<void> {
  const { server } = sandbox;
  sandbox.server = undefined;
  await server?.stop();
}

async function openLimiter(owner: string, log: Logger): Promise<Limiter | undefined> {
  const hierarchy = findHierarchy(readFileSync('/proc/self/mounts', 'utf8'));
  const limiter = (hierarchy && ControlGroups.open(hierarchy, owner)) ?? (await Scopes.open(owner));
  const missing = ['memory', 'pids'].filter((name) => !limiter?.controllers.some((found) => found === name));
  if (missing.length > 0) {
    log.warn(
      `no limit of ${missing.join(' and ')} for sandboxes: this user may not make control groups and has no service manager that does`,
    );
  }
  return limiter;
}

/**
 * The network of what runs without isolation: the machine's.
 *
 * @throws {SetupError} when the configuration asks for another.
 */
function withoutIsolation(wanted: Config['network'], log: Logger): Network {
  if (wanted === 'outbound' || wanted === 'none') {
    throw new SetupError(
      `network is "${wanted}", which takes isolation`,
      'Leave network or isolation at its default.',
    );
  }
  mustBeLinux();
  const user = userInfo().username;
  log.warn(
    `isolation is "none": code in sandboxes runs as ${user} and can do all that ${user} can: read other sandboxes, the gateway's keys and this machine's files, and reach every network`,
  );
  return { kind: 'host', resolver: undefined };
}
