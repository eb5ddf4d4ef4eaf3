import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Server } from '../engine.ts';
import { bubblewrapOptions, type Enclosure, inside, sandboxUser, serverCommand } from './bubblewrap.ts';
import type { ControlGroup, ControlGroups } from './cgroups.ts';
import type { SandboxFolder } from './folder.ts';
import { userInstallEnv, userPath } from './home.ts';
import { type Attachment, attachNetwork, type Network } from './network.ts';
import { packageIndexes } from './package-indexes.ts';
import { blockPrivateRanges } from './private-ranges.ts';

/** Linux's O_PATH, which Node does not name: a descriptor that only points at a file. */
const O_PATH = 0o10000000;

/** What a server may write to our log: it is as hostile as the code in its sandbox. */
const logLinesLimit = 200;
const logLineLimitChars = 2_000;

/** What every server of an engine is started with. */
export interface ServerSetup {
  readonly bubblewrap: string;
  readonly network: Network;
  readonly enclosure: Omit<Enclosure, 'folders' | 'hostUid' | 'env' | 'sharesNetwork'>;
  /** The gateways' public keys, as servers read them. */
  readonly publicKeys: string;
  /** Undefined where nothing limits what a sandbox uses. */
  readonly groups: ControlGroups | undefined;
  /** Variables for the server itself. */
  readonly serverEnv: Readonly<Record<string, string>>;
  /** Told what a server writes to its standard error, and of a network that failed. */
  readonly log: (serverId: string, line: string) => void;
}

/** A sandbox server in bubblewrap, and its network. */
export class ServerProcess implements Server {
  readonly id = randomUUID();
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #setup: ServerSetup;
  readonly #folder: SandboxFolder;
  #socketFd: number | undefined;
  #network: Attachment | undefined;
  #insidePid: number | undefined;
  #group: ControlGroup | undefined;

  private constructor(setup: ServerSetup, folder: SandboxFolder) {
    this.#setup = setup;
    this.#folder = folder;
    const options = bubblewrapOptions(
      {
        ...setup.enclosure,
        folders: folder.folders,
        hostUid: folder.hostUid,
        sharesNetwork: setup.network.kind === 'host',
        env: this.#environment(),
      },
      { info: 3, block: 5 },
    );
    // The options go through a pipe: a command line can be read by everyone, in the sandbox too.
    this.#child = spawn(setup.bubblewrap, ['--args', '4', '--', ...serverCommand(folder.hostUid)], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
      env: {},
    });
    const argsPipe = this.#child.stdio[4] as Writable;
    // bubblewrap may not start: `ended` says why.
    for (const pipe of [argsPipe, this.#goPipe]) pipe.on('error', () => {});
    argsPipe.end(options.map((option) => `${option}\0`).join(''));
    this.ended = this.#untilEnd();
  }

  /** What bubblewrap waits for before it starts the server. */
  get #goPipe(): Writable {
    return Array.from<unknown>(this.#child.stdio)[5] as Writable;
  }

  /**
   * Starts a server on a folder.
   *
   * @throws {Error} with what the server or bubblewrap said when it ends before it serves.
   */
  static async start(setup: ServerSetup, folder: SandboxFolder): Promise<ServerProcess> {
    folder.prepareForServer();
    const server = new ServerProcess(setup, folder);
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
    // The first process of a pid namespace takes the whole namespace with it; bubblewrap follows.
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      if (this.#insidePid === undefined) this.#child.kill('SIGKILL');
      else killIfThere(this.#insidePid);
    }
    await this.ended;
  }

  #environment(): Record<string, string> {
    return {
      ...userInstallEnv,
      ...packageIndexes(process.env),
      PATH: [...userPath, ...inside.systemPath].join(':'),
      HOME: sandboxUser.home,
      USER: sandboxUser.name,
      LOGNAME: sandboxUser.name,
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      TZ: Intl.DateTimeFormat().resolvedOptions().timeZone,
      ...this.#setup.serverEnv,
      PADDOCK_LISTEN: inside.socket,
      PADDOCK_SERVER_ID: this.id,
      PADDOCK_PUBLIC_KEYS: this.#setup.publicKeys,
      PADDOCK_RUN_DIR: inside.run,
      PADDOCK_WORKSPACE: inside.workspace,
    };
  }

  async #untilServing(): Promise<void> {
    const said = this.#collectLog();
    const failed = this.ended.then((reason) => {
      throw new Error(`the sandbox server ended at once: ${said() || reason}`);
    });
    const { stdout, stdio } = this.#child;
    this.#insidePid = await Promise.race([readInfo(stdio[3] as Readable), failed]);
    const { network, groups } = this.#setup;
    // It waits to be let go, so that all that it starts is in its group and in its network from the first.
    this.#group = groups?.create(this.id);
    this.#group?.add(this.#insidePid);
    const isRootsOwn = this.#folder.hostUid !== undefined;
    if (network.kind === 'outbound') {
      if (network.blocker) await blockPrivateRanges(network.blocker, this.#insidePid, isRootsOwn);
      this.#network = attachNetwork(network.program, this.#insidePid, isRootsOwn);
    }
    this.#goPipe.end('go');
    await Promise.race([firstLine(stdout as Readable), failed]);
    this.#socketFd = openSocket(join(this.#folder.folders.run, basename(inside.socket)));
    await Promise.race([this.#network?.up, failed]);
  }

  #collectLog(): () => string {
    let lines = 0;
    let said = '';
    const reader = createInterface({
      input: this.#child.stderr as Readable,
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    reader.on('line', (line) => {
      lines += 1;
      if (lines <= 3) said += ` ${line.trim().slice(0, 200)}`;
      if (lines <= logLinesLimit) this.#setup.log(this.id, line.slice(0, logLineLimitChars));
      if (lines === logLinesLimit) this.#setup.log(this.id, 'further lines of this server are not logged');
    });
    return () => said.trim();
  }

  async #untilEnd(): Promise<string> {
    const reason = await new Promise<string>((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) =>
        resolve(signal ? `killed by ${signal}` : `exit code ${code}`),
      );
    });
    await this.#network?.close();
    if (this.#socketFd !== undefined) closeSync(this.#socketFd);
    this.#socketFd = undefined;
    const outOfMemory = this.#group?.ranOutOfMemory;
    this.#group?.remove();
    return outOfMemory ? `out of memory (${reason})` : reason;
  }
}

function openSocket(path: string): number {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  if (fstatSync(fd).isSocket()) return fd;
  closeSync(fd);
  throw new Error('the sandbox server made something else than a socket');
}

async function readInfo(pipe: Readable): Promise<number> {
  let text = '';
  for await (const chunk of pipe.setEncoding('utf8')) text += chunk;
  if (text === '') return new Promise(() => {}); // It ended before it started anything: `ended` says why.
  const pid: unknown = JSON.parse(text)['child-pid'];
  if (typeof pid !== 'number') throw new Error(`bubblewrap said no pid: ${text}`);
  return pid;
}

function firstLine(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    stream.once('data', () => {
      stream.resume(); // Nothing more is expected, and a full pipe would stop the server.
      resolve();
    });
  });
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
