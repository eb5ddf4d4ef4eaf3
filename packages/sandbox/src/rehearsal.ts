import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { Routes, type ServeOptions, serve } from '@paddock/http';
import { aio, type BindRequest, control, tokenHeader } from '@paddock/protocol';
import { formatPublicKeys, keyId, signToken, type TokenScope } from '@paddock/protocol/token';
import { BashSessions, bashRoutes } from './bash/index.ts';
import { Activity, admission, bindRoutes, Identity, TrustedKeys } from './bind/index.ts';

/** How a server answers, and how commands run in it. */
interface Play {
  readonly serve: Omit<ServeOptions, 'admit'>;
  readonly commands: Omit<ConstructorParameters<typeof BashSessions>[0], 'runDir'>;
}

/**
 * Binds a stand-in for this server, which nobody else can bind and which is gone afterwards, and runs a command there. What
 * both take has then been compiled, and a signature been checked: that is half of what the one who claims a warm server waits for.
 *
 * @param folder where the stand-in lives meanwhile.
 * @throws {Error} when one of both is not answered as it should be.
 */
export async function rehearse(folder: string, play: Play): Promise<void> {
  await using stage = new Stage(join(folder, 'rehearsal'), play.commands);
  const server = createServer((asked, answer) => {
    void serve(stage.routes, { ...play.serve, admit: stage.admit }, asked, answer);
  });
  const socketPath = join(folder, 'rehearsal.sock');
  const agent = new Agent({ keepAlive: true });
  server.listen(socketPath);
  try {
    await once(server, 'listening');
    for (const { path, body, scope } of acts) {
      const content = JSON.stringify(body);
      const headers = { [tokenHeader]: stage.token(scope), 'content-length': Buffer.byteLength(content) };
      const asked = request({ socketPath, method: 'POST', path, headers, agent }).end(content);
      const [answer] = await once(asked, 'response');
      const said = await json(answer);
      if (answer.statusCode !== 200)
        throw new Error(`the rehearsed ${path} answered ${JSON.stringify(said)}`);
    }
  } finally {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  }
}

const bind: BindRequest = { name: '0'.repeat(32), sandbox_id: 'rehearsal', env: {}, files: [] };

const acts: readonly { path: string; body: object; scope: TokenScope }[] = [
  { path: control.server.bind.path, body: bind, scope: 'bind' },
  { path: aio.bash.exec.path, body: { command: 'true' }, scope: 'proxy' },
];

const tokenSeconds = 60;

/** All that a bind and a command touch, with keys and a folder of its own. */
class Stage implements AsyncDisposable {
  readonly routes: Routes;
  readonly admit: ReturnType<typeof admission>;
  readonly token: (scope: TokenScope) => string;
  readonly #folder: string;
  readonly #bash: BashSessions;

  constructor(folder: string, commands: Play['commands']) {
    this.#folder = folder;
    const server = randomUUID();
    const identity = new Identity();
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const id = keyId(publicKey);
    const keys = new TrustedKeys({ text: formatPublicKeys(new Map([[id, publicKey]])) });
    this.admit = admission(identity, { keys, server });
    this.#bash = new BashSessions({ ...commands, runDir: folder });
    const activity = new Activity(() => this.#bash.busy);
    this.routes = new Routes()
      .add(control.server, bindRoutes({ identity, activity, onBound() {} }))
      .add(aio.bash, bashRoutes(this.#bash));
    const expires = Math.floor(Date.now() / 1000) + tokenSeconds;
    this.token = (scope) => signToken(privateKey, id, { scope, server, expires });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bash[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
