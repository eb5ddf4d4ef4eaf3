import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '../engine.ts';
import type { Attachment } from './attachment.ts';
import { launchBare } from './bare.ts';
import { type Enclosure, inside, sandboxUser } from './bubblewrap.ts';
import { launchEnclosed } from './enclosed.ts';
import type { SandboxFolder } from './folder.ts';
import { userInstallEnv, userPath } from './home.ts';
import type { Launched } from './launch.ts';
import { directly, type Group, type Launcher, type Limiter, type Limits } from './limits.ts';
import { tellLines } from './lines.ts';
import type { Mounts } from './mounts.ts';
import { loopbackOf, usersOf } from './namespace-ready.ts';
import type { Network } from './network.ts';
import { packageIndexes } from './package-indexes.ts';
import { blockPrivateRanges } from './private-ranges.ts';
import type { Slots } from './slots.ts';

/** Linux's O_PATH, which Node does not name: a descriptor that only points at a file. */
const O_PATH = 0o10000000;

/** What a server may write to our log: it is as hostile as the code in its sandbox. */
const logLinesLimit = 200;
const logLineLimitChars = 2_000;

/** How long is waited for what a server that has ended at once said of it. */
const lastWordsLimitMs = 500;

/** What every server of an engine is started with. */
export interface ServerSetup {
  /** What servers run in; undefined when they are to run without any isolation. */
  readonly bubblewrap: string | undefined;
  /** The data folder's name among control groups and processes. */
  readonly owner: string;
  readonly network: Network;
  readonly enclosure: Omit<Enclosure, 'folders' | 'hostUid' | 'env' | 'sharesNetwork' | 'mounts'>;
  /** The gateways' public keys, as servers read them. */
  readonly publicKeys: string;
  /** Undefined where nothing limits what a sandbox uses. */
  readonly limiter: Limiter | undefined;
  readonly limits: Limits;
  /** Starts at once: more would only share the processors, so that every one of them takes longer. */
  readonly starts: Slots;
  /** Variables for the server itself. */
  readonly serverEnv: Readonly<Record<string, string>>;
  /** Told what a server writes to its standard error, and of a network that failed. */
  readonly log: (serverId: string, line: string) => void;
}

/** A sandbox server in bubblewrap, and its network. */
export class ServerProcess implements Server {
  readonly id = randomUUID();
  readonly ended: Promise<string>;
  readonly #launched: Launched;
  readonly #setup: ServerSetup;
  readonly #folder: SandboxFolder;
  readonly #mounts: Mounts | undefined;
  #socketFd: number | undefined;
  #network: Attachment | undefined;
  #group: Group | undefined;

  private constructor(setup: ServerSetup, folder: SandboxFolder, mounts: Mounts | undefined) {
    this.#setup = setup;
    this.#folder = folder;
    this.#mounts = mounts;
    // First: some launchers enter it by themselves.
    this.#group = setup.limiter?.group(this.id, setup.limits);
    try {
      this.#launched = this.#launch(setup.limiter?.launcher(this.id, setup.limits) ?? directly);
    } catch (error) {
      this.#group?.remove().catch((cause: Error) => setup.log(this.id, cause.message));
      throw error;
    }
    this.ended = this.#untilEnd();
  }

  #launch(launcher: Launcher): Launched {
    const { bubblewrap, enclosure, owner, network } = this.#setup;
    if (bubblewrap === undefined) {
      const path = (process.env.PATH ?? '').split(delimiter);
      const env = this.#environment(this.#folder.folders.home, userInfo().username, path);
      return launchBare({ ...enclosure, folder: this.#folder, owner, id: this.id, launcher, env });
    }
    const env = {
      ...this.#environment(sandboxUser.home, sandboxUser.name, inside.systemPath),
      PADDOCK_LISTEN: inside.socket,
      PADDOCK_RUN_DIR: inside.run,
      PADDOCK_WORKSPACE: inside.workspace,
    };
    const { folders, hostUid } = this.#folder;
    const sharesNetwork = network.kind === 'host';
    const mounts = this.#mounts?.admitted ?? [];
    return launchEnclosed(
      bubblewrap,
      { ...enclosure, folders, hostUid, sharesNetwork, env, mounts },
      launcher,
    );
  }

  /**
   * Starts a server on a folder.
   *
   * @param mounts what it is to see of the machine besides; they are needed until it serves.
   * @throws {Error} with what the server or bubblewrap said when it ends before it serves.
   */
  static async start(setup: ServerSetup, folder: SandboxFolder, mounts?: Mounts): Promise<ServerProcess> {
    using _ = await setup.starts.take();
    folder.prepareForServer();
    const server = new ServerProcess(setup, folder, mounts);
    try {
      await server.#untilServing();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /**
   * The socket by its descriptor: the path could lead elsewhere by now, since the sandbox can rename what lies in its
   * own folder, and a descriptor's path is never too long for a socket.
   */
  get address(): { socketPath: string } {
    if (this.#socketFd === undefined) throw new Error('the server has no address: it is not running');
    return { socketPath: `/proc/self/fd/${this.#socketFd}` };
  }

  /** Ends the server and all that runs in its sandbox, and waits until they are gone. */
  async stop(): Promise<void> {
    const { child, kill } = this.#launched;
    if (child.exitCode === null && child.signalCode === null) kill();
    await this.ended;
  }

  #environment(home: string, user: string, path: readonly string[]): Record<string, string> {
    return {
      ...userInstallEnv(home),
      ...packageIndexes(process.env),
      PATH: [...userPath(home), ...path].join(delimiter),
      HOME: home,
      USER: user,
      LOGNAME: user,
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      TZ: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...this.#setup.serverEnv,
      PADDOCK_SERVER_ID: this.id,
      PADDOCK_PUBLIC_KEYS: this.#setup.publicKeys,
    };
  }

  async #untilServing(): Promise<void> {
    const log = this.#collectLog();
    const failed = this.ended.then(async (reason) => {
      // Its end is told before the last that it said.
      await Promise.race([log.complete, delay(lastWordsLimitMs, undefined, { ref: false })]);
      throw new Error(`the sandbox server ended at once: ${log.said() || reason}`);
    });
    const pid = await Promise.race([this.#launched.waiting, failed]);
    // It waits to be let go, so that all that it starts is in its group from the first.
    this.#group?.add(pid);
    const connected = this.#connect(pid).catch(async (error: unknown) => {
      // A server that ends takes its network along, and says itself why it ended.
      await Promise.race([failed, delay(lastWordsLimitMs, undefined, { ref: false })]);
      throw error;
    });
    this.#launched.go();
    // Until it is bound it runs no code but ours, which asks for no network.
    await Promise.race([Promise.all([this.#firstLine(), connected]), failed]);
    this.#mounts?.check(pid); // Nothing of its user's has run yet.
    this.#socketFd = openSocket(join(this.#folder.folders.run, basename(inside.socket)));
  }

  /** Gives it its network, but for the ranges that are not for it. */
  async #connect(pid: number): Promise<void> {
    const { network } = this.#setup;
    if (network.kind !== 'outbound') return;
    const isRootsOwn = this.#folder.hostUid !== undefined;
    if (!isRootsOwn) await usersOf(pid);
    // First: while the network is made, routes of its own stand in the way of these.
    if (network.blocker) await blockPrivateRanges(network.blocker, pid, isRootsOwn);
    await loopbackOf(pid);
    this.#network = network.attach(pid, isRootsOwn);
    await this.#network.up;
  }

  #firstLine(): Promise<void> {
    const { stdout } = this.#launched.child;
    return new Promise((resolve) => {
      stdout?.once('data', () => {
        stdout.resume(); // Nothing more is expected, and a full pipe would stop the server.
        resolve();
      });
    });
  }

  #collectLog(): { said(): string; complete: Promise<void> } {
    let lines = 0;
    let said = '';
    const input = this.#launched.child.stderr;
    // It was not started: there was no descriptor left for a pipe.
    if (!input) return { said: () => '', complete: Promise.resolve() };
    const complete = tellLines(input, logLineLimitChars, (line) => {
      lines += 1;
      if (lines <= 3) said += ` ${line.trim().slice(0, 200)}`;
      this.#folder.log.write('server', line);
      if (lines <= logLinesLimit) this.#setup.log(this.id, line);
      if (lines === logLinesLimit) this.#setup.log(this.id, 'further lines of this server are not logged');
    });
    return { said: () => said.trim(), complete };
  }

  async #untilEnd(): Promise<string> {
    const { child, sweep } = this.#launched;
    const reason = await new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exit code ${code}`));
    });
    await sweep(this.#group).catch((error: Error) => this.#setup.log(this.id, error.message));
    await this.#network?.close();
    if (this.#socketFd !== undefined) closeSync(this.#socketFd);
    this.#socketFd = undefined;
    const outOfMemory = this.#group?.ranOutOfMemory;
    await this.#group?.remove();
    return outOfMemory ? `out of memory (${reason})` : reason;
  }
}

function openSocket(path: string): number {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  if (fstatSync(fd).isSocket()) return fd;
  closeSync(fd);
  throw new Error('the sandbox server made something else than a socket');
}
