import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { tokenHeader } from '@paddock/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SandboxServer, startSandboxServer } from '../../../test/support/sandbox-server.ts';
import { programTarget } from '../src/proxy/target.ts';

let server: SandboxServer;
beforeAll(async () => {
  server = await startSandboxServer();
});
afterAll(() => server[Symbol.asyncDispose]());

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** A program that listens on a port. */
class Program implements AsyncDisposable {
  behave: Behaviour = (_, response) => response.end();
  readonly server: Server = createServer((req, res) => this.behave(req, res));
  port = 0;

  static async listen(host: string): Promise<Program> {
    const program = new Program();
    await once(program.server.listen(0, host), 'listening');
    program.port = (program.server.address() as AddressInfo).port;
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }
}

let program: Program;
beforeEach(async () => {
  program = await Program.listen('127.0.0.1');
});
afterEach(() => program[Symbol.asyncDispose]());

const begin = (path: string, options: { method?: string; headers?: Record<string, string> } = {}) => {
  const { method = 'GET', headers = {} } = options;
  const { socketPath } = server;
  return request({ socketPath, path, method, agent: false, headers: { ...server.headers, ...headers } });
};
const answerOf = async (sent: ReturnType<typeof begin>) => {
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
};
const send = (path: string, options?: Parameters<typeof begin>[1]) => {
  const sent = begin(path, options);
  sent.end();
  return answerOf(sent);
};
const codeOf = ({ status, body }: { status: number | undefined; body: string }) => [
  status,
  JSON.parse(body).code,
];

describe('a program behind /proxy/{port}', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'gets a %s as it was sent',
    async (method) => {
      program.behave = async (req, res) => {
        res.writeHead(207, 'As It Was', { 'X-Mine': 'yes', 'Set-Cookie': ['a=1', 'b=2'] });
        res.end(JSON.stringify([req.method, req.url, req.headers, await text(req)]));
      };
      const headers = {
        host: 'somewhere:1',
        'content-length': '4',
        'x-mine': '1',
        connection: 'x-hop',
        'x-hop': '1',
      };
      const sent = begin(`/proxy/${program.port}//a%2f..%2Fb/%20?c=%00&d`, { method, headers });
      sent.end('body');
      const { status, headers: got, body } = await answerOf(sent);
      const [seenMethod, url, seen, seenBody] = JSON.parse(body);
      expect([seenMethod, url, seenBody]).toEqual([method, '//a%2f..%2Fb/%20?c=%00&d', 'body']);
      expect(seen).toEqual({
        host: 'somewhere:1',
        'content-length': '4',
        'x-mine': '1',
        connection: 'close',
      });
      expect([status, got['x-mine'], got['set-cookie']]).toEqual([207, 'yes', ['a=1', 'b=2']]);
    },
  );

  it('never gets the token that lets requests into the sandbox', async () => {
    let seen = '';
    program.behave = (req, res) => {
      seen = req.rawHeaders.join('\n');
      res.end();
    };
    await send(`/proxy/${program.port}/`, { headers: { connection: 'close' } });
    expect(seen.toLowerCase()).not.toContain(tokenHeader);
    expect(seen).not.toContain(server.headers[tokenHeader]);
  });

  it('is found on ::1 too', async () => {
    await using other = await Program.listen('::1');
    other.behave = (_, res) => res.end('six');
    expect(await send(`/proxy/${other.port}/`)).toMatchObject({ status: 200, body: 'six' });
  });

  it('leads a browser to the folder that its relative links begin from', async () => {
    const { status, headers } = await send(`/proxy/${program.port}?a=b`);
    expect([status, headers.location]).toEqual([308, `${program.port}/?a=b`]);
  });

  it('streams both ways while it still works', async () => {
    let taken = '';
    program.behave = (req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
      req.on('data', (chunk) => {
        taken += chunk;
        res.write(`data: ${chunk}\n\n`);
      });
      req.on('end', () => res.end());
    };
    const sent = begin(`/proxy/${program.port}/`, { method: 'POST' });
    sent.flushHeaders();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    for (const event of ['one', 'two']) {
      sent.write(event);
      expect(String((await once(response, 'data'))[0])).toBe(`data: ${event}\n\n`);
    }
    sent.end();
    await once(response.resume(), 'end');
    expect(taken).toBe('onetwo');
  });

  it('is sent no more than it reads', async () => {
    program.behave = (req) => req.pause();
    const sent = begin(`/proxy/${program.port}/`, { method: 'POST' });
    sent.on('error', () => {});
    const block = Buffer.alloc(1024 * 1024);
    let taken = 0;
    while (taken < 64) {
      taken += 1;
      if (!sent.write(block) && !(await drainedSoon(sent))) break;
    }
    expect(taken).toBeLessThan(32);
    sent.destroy();
  });

  it('hears that its caller has gone', async () => {
    const gone = new Promise<void>((resolve) => {
      program.behave = (_, res) => res.once('close', resolve);
    });
    const sent = begin(`/proxy/${program.port}/`);
    sent.on('error', () => {}).end();
    await once(program.server, 'request');
    sent.destroy();
    await gone;
  });

  it('cuts its answer off where it breaks off', async () => {
    program.behave = (req, res) => {
      res.writeHead(200, { 'content-length': 100 });
      res.write('half', () => req.socket.destroy());
    };
    const sent = begin(`/proxy/${program.port}/`);
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    await expect(text(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a request to a port', () => {
  it('on which nobody listens says so, and that nothing ran', async () => {
    const { port } = program;
    await program[Symbol.asyncDispose]();
    expect(codeOf(await send(`/proxy/${port}/`, { method: 'POST' }))).toEqual([502, 'program_not_listening']);
  });

  it.each<[string, Behaviour]>([
    ['hangs up', (req) => req.socket.destroy()],
    ['sends what is no HTTP', (req) => req.socket.end('hello\r\n\r\n')],
    [
      'switches protocols unasked',
      (req) => req.socket.end('HTTP/1.1 101 x\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
  ])('whose program %s gets an answer that clients do not retry', async (_, behave) => {
    program.behave = behave;
    expect(codeOf(await send(`/proxy/${program.port}/`, { method: 'POST' }))).toEqual([
      424,
      'program_failed',
    ]);
  });

  it.each([
    '0',
    '65536',
    '03000',
    '-1',
    '1e3',
    '3000x',
    '3000%20',
    '%33000',
    '127.0.0.1:80',
    'localhost',
    '',
  ])('is refused when the port is %j', async (port) => {
    const { status, body } = await send(`/proxy/${port}/`);
    expect([status, JSON.parse(body).detail[0].loc]).toEqual([422, ['path', 'port']]);
  });

  it('is refused when the port is that of the server itself', () => {
    expect(() => programTarget('/proxy/8080/bind', 8080)).toThrow(
      expect.objectContaining({ name: 'InvalidInput' }),
    );
    expect(programTarget('/proxy/8081/bind?x', 8080)).toEqual({ port: 8081, rest: '/bind?x' });
  });

  it.each([
    ['no', ''],
    ['a forged', 'x.e30.x'],
  ])('is refused with %s token', async (_, token) => {
    const headers = { [tokenHeader]: token };
    expect(codeOf(await send(`/proxy/${program.port}/`, { headers }))).toEqual([403, 'token_refused']);
    const upgrade = { ...headers, connection: 'Upgrade', upgrade: 'websocket' };
    expect(codeOf(await send(`/proxy/${program.port}/`, { headers: upgrade }))).toEqual([
      403,
      'token_refused',
    ]);
  });
});

describe('an upgrade to a program', () => {
  const upgrade = { connection: 'Upgrade', upgrade: 'echo' };

  it('joins the two connections until either side ends', async () => {
    const ended = new Promise<string>((resolve) => {
      program.server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
        socket.write(
          `HTTP/1.1 101 Yes\r\nUpgrade: ${req.headers.upgrade}\r\nConnection: Upgrade\r\n\r\nhead`,
        );
        socket.pipe(socket);
        socket.once('close', () => resolve(`${req.url} ${req.headers[tokenHeader]}`));
      });
    });
    const sent = begin(`/proxy/${program.port}/socket?x`, { headers: upgrade });
    sent.end();
    const [response, socket, head] = (await once(sent, 'upgrade')) as [IncomingMessage, Socket, Buffer];
    expect([response.statusCode, response.headers.upgrade]).toEqual([101, 'echo']);
    const first = head.length > 0 ? head : (await once(socket, 'data'))[0];
    expect(String(first)).toBe('head');
    socket.write('ping');
    expect(String((await once(socket, 'data'))[0])).toBe('ping');
    socket.destroy();
    expect(await ended).toBe('/socket?x undefined');
  });

  it('that the program refuses is answered as the program does', async () => {
    program.server.on('upgrade', (_, socket: Socket) => {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno');
    });
    expect(await send(`/proxy/${program.port}/`, { headers: upgrade })).toMatchObject({
      status: 404,
      body: 'no',
    });
  });

  it('to a port on which nobody listens says so', async () => {
    const { port } = program;
    await program[Symbol.asyncDispose]();
    expect(codeOf(await send(`/proxy/${port}/`, { headers: upgrade }))).toEqual([
      502,
      'program_not_listening',
    ]);
  });

  it('counts as activity while it lasts', async () => {
    program.server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Yes\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
      socket.pipe(socket);
    });
    const sent = begin(`/proxy/${program.port}/`, { headers: upgrade });
    sent.end();
    const [, socket] = (await once(sent, 'upgrade')) as [IncomingMessage, Socket];
    expect(await server.connection.call('GET', '/activity')).toMatchObject({ idle_seconds: 0 });
    socket.destroy();
    await expect
      .poll(async () => (await server.connection.call('GET', '/activity')) as { idle_seconds: number })
      .not.toMatchObject({ idle_seconds: 0 });
  });
});

/** False when nothing more is taken for half a second: on loopback that means for good. */
async function drainedSoon(sent: ReturnType<typeof request>): Promise<boolean> {
  return once(sent, 'drain', { signal: AbortSignal.timeout(500) }).then(
    () => true,
    () => false,
  );
}
