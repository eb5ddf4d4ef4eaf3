import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BindRequest, tokenHeader } from '@paddock/protocol';
import { allocatorEnv } from '@paddock/protocol/allocator';
import { formatPublicKeys, keyId, signToken, type TokenScope } from '@paddock/protocol/token';
import { Child } from './child.ts';
import { Connection } from './connection.ts';

const program = join(dirname(dirname(import.meta.dirname)), 'dist/sandbox/main.cjs');

/** What stands for a gateway's key, for all servers of this process. */
const { privateKey: gatewayKey, publicKey } = generateKeyPairSync('ed25519');
const publicKeys = formatPublicKeys(new Map([[keyId(publicKey), publicKey]]));

/** A built sandbox server, run without isolation on a socket in a temporary folder. */
export class SandboxServer implements AsyncDisposable {
  /** Its folder: `workspace` and `run` lie here. */
  readonly folder: string;
  readonly child: Child;
  /** Requests as a gateway sends them. */
  readonly connection: Connection;
  /** Where it listens. */
  readonly socketPath: string;
  /** The headers that let a gateway's request in. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #bindConnection: Connection;

  /** Starts it; it may not listen yet. */
  constructor() {
    const id = randomUUID();
    this.folder = mkdtempSync(join(tmpdir(), 'server-'));
    const workspace = join(this.folder, 'workspace');
    const run = join(this.folder, 'run');
    for (const path of [workspace, run]) mkdirSync(path);
    this.socketPath = join(run, 'server.sock');
    this.child = new Child(program, {
      PATH: process.env.PATH,
      HOME: this.folder,
      LANG: 'C.UTF-8',
      ...allocatorEnv,
      TMPDIR: process.env.TMPDIR,
      LEAK_CHECK_RUN: process.env.LEAK_CHECK_RUN,
      PADDOCK_LISTEN: this.socketPath,
      PADDOCK_SERVER_ID: id,
      PADDOCK_PUBLIC_KEYS: publicKeys,
      PADDOCK_RUN_DIR: run,
      PADDOCK_WORKSPACE: workspace,
    });
    const headers = (scope: TokenScope) => ({ [tokenHeader]: makeToken(id, scope) });
    this.headers = headers('proxy');
    this.connection = new Connection({ socketPath: this.socketPath }, this.headers);
    this.#bindConnection = new Connection({ socketPath: this.socketPath }, headers('bind'));
  }

  /** Binds it to a sandbox, as a gateway does. */
  async bind(request: Partial<BindRequest> = {}): Promise<void> {
    const whole: BindRequest = { name: '0'.repeat(32), sandbox_id: 'test', env: {}, files: [], ...request };
    await this.#bindConnection.call('POST', '/bind', whole);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection[Symbol.dispose]();
    this.#bindConnection[Symbol.dispose]();
    await this.child[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Starts a sandbox server, waits until it listens, and binds it. */
export async function startSandboxServer(request: Partial<BindRequest> = {}): Promise<SandboxServer> {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(new SandboxServer());
  await server.child.firstLine(1);
  await server.bind(request);
  resources.move();
  return server;
}

function makeToken(server: string, scope: TokenScope): string {
  return signToken(gatewayKey, keyId(gatewayKey), {
    scope,
    server,
    expires: Math.floor(Date.now() / 1000) + 3600,
  });
}
