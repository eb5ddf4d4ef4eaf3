import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { answerOnSocket, sendFailure } from '@paddock/http';
import { tokenHeader } from '@paddock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Mount } from '../src/front/mount.ts';
import { forward, forwardUpgrade } from '../src/front/proxy.ts';

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** A server on a Unix socket in the place of a sandbox, and a front that passes everything on to it. */
class Rig implements AsyncDisposable {
  mount: Mount = { on: 'api' };
  behave: Behaviour = (_, response) => response.end();
  readonly far = createServer((req, res) => this.behave(req, res));
  readonly near: Server;
  readonly agent = new Agent({ keepAlive: true });
  #folder = '';
  socketPath = '';
  port = 0;

  constructor() {
    const to = (target: string) => ({
      upstream: {
        server: {
          id: 'test',
          address: { socketPath: this.socketPath },
          ended: new Promise<string>(() => {}),
        },
        agent: this.agent,
        token: () => 'TOKEN',
        doubt: () => {},
        begin: () => () => {},
      },
      target,
      keyed: false,
      mount: this.mount,
    });
    this.near = createServer((req, res) => {
      forward(req, res, to(req.url ?? '/')).catch((error) => sendFailure(res, error, () => {}));
    });
    this.near.on('upgrade', (req, socket, head) => {
      forwardUpgrade(req, socket as Socket, head, to(req.url ?? '/')).catch((error) =>
        answerOnSocket(req, socket as Socket, (res) => sendFailure(res, error, () => {})),
      );
    });
  }

  async start(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'proxy-'));
    this.socketPath = join(this.#folder, 's');
    await once(this.far.listen(this.socketPath), 'listening');
    await once(this.near.listen(0, '127.0.0.1'), 'listening');
    this.port = (this.near.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.agent.destroy();
    for (const server of [this.near, this.far]) {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    }
    await rm(this.#folder, { recursive: true });
  }

  send(options: { method?: string; path?: string; body?: string; headers?: Record<string, string> } = {}) {
    const { body, ...rest } = options;
    const sent = request({ host: '127.0.0.1', port: this.port, agent: false, ...rest });
    sent.end(body);
    return sent;
  }
}

describe('the proxy', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.start();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const answer = async (sent: ReturnType<Rig['send']>) => {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };

  it('passes method, path, query, headers and body on, with the token, and the answer back', async () => {
    rig.behave = async (req, res) => {
      res.writeHead(201, { 'x-far': 'yes' });
      res.end(
        JSON.stringify([
          req.method,
          req.url,
          req.headers[tokenHeader],
          req.headers['x-mine'],
          await text(req),
        ]),
      );
    };
    const got = await answer(
      rig.send({ method: 'PUT', path: '/v1/a?b=%20c', headers: { 'x-mine': '1' }, body: 'hello' }),
    );
    expect(got).toMatchObject({ status: 201, headers: { 'x-far': 'yes' } });
    expect(JSON.parse(got.body)).toEqual(['PUT', '/v1/a?b=%20c', 'TOKEN', '1', 'hello']);
  });

  it('hands events on when they come, headers first', async () => {
    let far: ServerResponse | undefined;
    rig.behave = (_, res) => {
      far = res;
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
    };
    const [response] = (await once(rig.send(), 'response')) as [IncomingMessage];
    expect(response.headers['content-type']).toBe('text/event-stream');
    for (const event of ['one', 'two']) {
      far?.write(`data: ${event}\n\n`);
      const [chunk] = await once(response, 'data');
      expect(String(chunk)).toBe(`data: ${event}\n\n`);
    }
    response.destroy();
  });

  it('goes at the pace of the slower side: a body that nobody reads is not taken in', async () => {
    rig.behave = (req) => req.pause();
    const sent = request({ host: '127.0.0.1', port: rig.port, agent: false, method: 'POST' });
    sent.on('error', () => {});
    const block = Buffer.alloc(1024 * 1024);
    let taken = 0;
    // Kernel buffers and Node's own hold some; 64 MiB would mean that the proxy keeps what it cannot pass on.
    while (taken < 64) {
      const more = sent.write(block);
      taken += 1;
      if (!more && !(await drainedSoon(sent))) break;
    }
    expect(taken).toBeLessThan(32);
    sent.destroy();
  });

  it('tells the sandbox when the client goes away', async () => {
    const gone = new Promise<void>((resolve) => {
      rig.behave = (req, res) => res.once('close', () => resolve(void req));
    });
    const sent = rig.send({ method: 'POST', body: '{}' });
    sent.on('error', () => {});
    await once(rig.far, 'request');
    sent.destroy();
    await gone;
  });

  it('says that the sandbox died, in an answer that clients do not retry, when it ends before it answers', async () => {
    rig.behave = (req) => req.socket.destroy();
    const got = await answer(rig.send({ method: 'POST', body: '{}' }));
    expect(got.status).toBe(410);
    expect(JSON.parse(got.body)).toMatchObject({ success: false, code: 'sandbox_died' });
  });

  it('cuts the answer off when the sandbox ends in the middle of it', async () => {
    rig.behave = (req, res) => {
      res.writeHead(200, { 'content-length': 100 });
      res.write('half', () => req.socket.destroy());
    };
    const [response] = (await once(rig.send(), 'response')) as [IncomingMessage];
    await expect(text(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('says that nothing ran when the sandbox cannot be reached', async () => {
    await new Promise((resolve) => rig.far.close(resolve));
    const got = await answer(rig.send({ method: 'POST', body: '{}' }));
    expect(got.status).toBe(503);
    expect(JSON.parse(got.body)).toMatchObject({ code: 'sandbox_failed' });
  });

  it('joins the two connections of an upgrade', async () => {
    rig.far.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${req.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`,
      );
      socket.pipe(socket);
    });
    const sent = rig.send({ headers: { connection: 'Upgrade', upgrade: 'echo' } });
    const [response, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Socket];
    expect(response.headers.upgrade).toBe('echo');
    socket.write('ping');
    expect(String((await once(socket, 'data'))[0])).toBe('ping');
    socket.destroy();
  });

  it('passes the refusal of an upgrade on', async () => {
    rig.far.on('upgrade', (_, socket: Socket) => {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
    });
    const got = await answer(rig.send({ headers: { connection: 'Upgrade', upgrade: 'echo' } }));
    expect(got).toMatchObject({ status: 404, body: 'no' });
  });

  it.each(['GET', 'DELETE', 'OPTIONS', 'POST'])(
    'frames the body of a %s that comes in chunks, so that it is never read as another request',
    async (method) => {
      const seen: unknown[] = [];
      rig.behave = async (req, res) => {
        const body = await text(req);
        seen.push([req.method, req.url, body]);
        res.end('done');
      };
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n';
      const sent = rig.send({
        method,
        path: '/first',
        headers: { 'transfer-encoding': 'chunked' },
        body: hidden,
      });
      expect(await answer(sent)).toMatchObject({ status: 200, body: 'done' });
      await answer(rig.send({ path: '/second' }));
      expect(seen).toEqual([
        [method, '/first', hidden],
        ['GET', '/second', ''],
      ]);
    },
  );

  it.each([
    ['a status that is none', 'HTTP/1.1 007 Bond\r\nContent-Length: 0\r\n\r\n'],
    [
      'a switch of protocols that nobody asked for',
      'HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
    ['no HTTP', 'hello\r\n\r\n'],
    ['nothing', ''],
  ])('takes a server that answers with %s for dead, and lives on', async (_, bytes) => {
    rig.behave = (req) => req.socket.end(bytes, 'latin1');
    const { status, body } = await answer(rig.send({ method: 'POST', body: '{}' }));
    expect([status, JSON.parse(body).code]).toEqual([410, 'sandbox_died']);
    rig.behave = (_req, res) => res.end('fine');
    expect(await answer(rig.send())).toMatchObject({ status: 200, body: 'fine' });
  });

  it('passes an answer on without the words of its status when they hold control characters', async () => {
    rig.behave = (req) => req.socket.end('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nhi', 'latin1');
    expect(await answer(rig.send())).toMatchObject({ status: 200, body: 'hi' });
  });

  it('passes no length on with an upgrade: what follows is no body', async () => {
    const lengths: unknown[] = [];
    rig.far.on('upgrade', (req: IncomingMessage, socket: Socket) => {
      lengths.push(req.headers['content-length']);
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
    });
    const headers = { connection: 'Upgrade', upgrade: 'echo', 'content-length': '5' };
    expect(await answer(rig.send({ headers }))).toMatchObject({ status: 403 });
    expect(lengths).toEqual([undefined]);
  });

  it('refuses a request with two lengths: it could be read as two requests', async () => {
    const socket = connect(rig.port, '127.0.0.1');
    socket.write(
      'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
    );
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
  });
});

/** False when nothing more is taken for half a second: on loopback that means for good. */
async function drainedSoon(sent: ReturnType<typeof request>): Promise<boolean> {
  const signal = AbortSignal.timeout(500);
  return once(sent, 'drain', { signal }).then(
    () => true,
    () => false,
  );
}
