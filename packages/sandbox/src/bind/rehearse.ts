import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Routes, type ServeOptions, serve } from '@paddock/http';
import { type BindRequest, control, tokenHeader } from '@paddock/protocol';
import { formatPublicKeys, keyId, signToken } from '@paddock/protocol/token';
import { Activity } from './activity.ts';
import { admission } from './admission.ts';
import { Identity } from './identity.ts';
import { bindRoutes } from './routes.ts';
import { TrustedKeys } from './trusted-keys.ts';

/**
 * Binds a stand-in for this server, which nobody else can bind and which is gone afterwards. What a bind runs has then
 * been compiled, and a signature been checked: that is half of what the one who claims a warm server waits for.
 *
 * @param folder where the stand-in listens meanwhile.
 * @throws {Error} when the bind is not answered as it should be.
 */
export async function rehearseBind(folder: string, options: Omit<ServeOptions, 'admit'>): Promise<void> {
  const stage = new Stage();
  const server = createServer((asked, answer) => {
    void serve(stage.routes, { ...options, admit: stage.admit }, asked, answer);
  });
  const socketPath = join(folder, 'rehearsal.sock');
  server.listen(socketPath);
  try {
    await once(server, 'listening');
    const body = JSON.stringify(bind);
    const headers = { [tokenHeader]: stage.token, 'content-length': Buffer.byteLength(body) };
    const asked = request({ socketPath, method: 'POST', path: '/bind', headers, agent: false }).end(body);
    const [answer] = await once(asked, 'response');
    const said = await text(answer);
    if (answer.statusCode !== 200) throw new Error(`the rehearsed bind answered ${said}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const bind: BindRequest = { name: '0'.repeat(32), sandbox_id: 'rehearsal', env: {}, files: [] };
const tokenSeconds = 60;

/** All that a bind touches, with keys of its own. */
class Stage {
  readonly routes: Routes;
  readonly admit: ReturnType<typeof admission>;
  readonly token: string;

  constructor() {
    const server = randomUUID();
    const identity = new Identity();
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const id = keyId(publicKey);
    const keys = new TrustedKeys({ text: formatPublicKeys(new Map([[id, publicKey]])) });
    this.admit = admission(identity, { keys, server });
    const activity = new Activity(() => false);
    this.routes = new Routes().add(control.server, bindRoutes({ identity, activity, onBound() {} }));
    const expires = Math.floor(Date.now() / 1000) + tokenSeconds;
    this.token = signToken(privateKey, id, { scope: 'bind', server, expires });
  }
}
