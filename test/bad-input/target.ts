/** What bad input is sent to: a gateway with a sandbox behind it, and a sandbox server itself. */
import { Agent, type ClientRequest, type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import type { Address } from '../support/connection.ts';
import { startGateway } from '../support/gateway.ts';
import { startSandboxServer } from '../support/sandbox-server.ts';

/** An answer, its body parsed when it is JSON. */
interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: unknown;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes as it is when it is text or bytes, as JSON else. */
  readonly body?: unknown;
}

/** A server under test, with one shell session that every case leaves usable. */
export class Target implements AsyncDisposable {
  readonly address: Address;
  /** What every request to it carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** A folder in which its sandbox may write. */
  readonly folder: string;
  readonly #log: () => string;
  readonly #owned: AsyncDisposable;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(of: {
    address: Address;
    headers: Readonly<Record<string, string>>;
    folder: string;
    log: () => string;
    owned: AsyncDisposable;
  }) {
    this.address = of.address;
    this.headers = of.headers;
    this.folder = of.folder;
    this.#log = of.log;
    this.#owned = of.owned;
  }

  /** Begins a request over a connection that no other one uses at the time. */
  begin(path: string, { method = 'POST', headers = {}, body }: Sent = {}): ClientRequest {
    const payload = payloadOf(body);
    const length = payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) };
    return request({
      ...this.address,
      method,
      path,
      agent: this.#agent,
      headers: { ...this.headers, ...length, ...headers },
    });
  }

  /** Sends a request and gives its answer. */
  send(path: string, sent: Sent = {}): Promise<Answer> {
    const outgoing = this.begin(path, sent);
    const answer = answerTo(outgoing);
    outgoing.end(payloadOf(sent.body));
    return answer;
  }

  /** Runs a command in the session that all cases share. */
  async run(command: string): Promise<string> {
    const { body, status } = await this.send('/v1/shell/exec', { body: { id: 'shared', command } });
    expect(status, JSON.stringify(body)).toBe(200);
    return (body as { data: { output: string } }).data.output;
  }

  /** Opens a connection over which nothing is sent yet. */
  async open(): Promise<Socket> {
    const socket =
      'socketPath' in this.address
        ? connect(this.address.socketPath)
        : connect(this.address.port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    socket.on('error', () => {}); // The server may close while we send; what it said before counts.
    return socket;
  }

  /** Sends bytes as they are and gives all that comes back until the server closes or `isEnough`. */
  async exchange(bytes: string | Buffer, isEnough: (text: string) => boolean = () => false): Promise<string> {
    const socket = await this.open();
    return new Promise((resolve) => {
      let received = '';
      const finish = () => {
        socket.destroy();
        resolve(received);
      };
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        received += chunk;
        if (isEnough(received)) finish();
      });
      socket.once('close', finish);
      socket.write(bytes);
    });
  }

  /** The lines of a request's head, with what every request carries. */
  head(requestLine: string, ...lines: string[]): string {
    const carried = Object.entries(this.headers).map(([name, value]) => `${name}: ${value}`);
    return [requestLine, 'host: localhost', ...carried, ...lines, '', ''].join('\r\n');
  }

  /** Throws unless the server takes connections, the shared session can be used, and no fault was logged. */
  async expectHealthy(): Promise<void> {
    // Connections are taken in their order: those of the case before have been, once this one is answered.
    const probe = await this.exchange(this.head('GET /v1/sandbox HTTP/1.1', 'connection: close'));
    expect(probe).toMatch(/^HTTP\/1\.1 200 /);
    expect(await this.run('echo fine')).toBe('fine\n');
    expect(this.#log()).not.toContain('internal fault');
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    this.#agent.destroy();
    return this.#owned[Symbol.asyncDispose]();
  }
}

/** The two servers by name, started when a test file begins. */
export const targets: Readonly<Record<string, () => Promise<Target>>> = {
  async 'a gateway'() {
    const gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
    const { hostname: host, port } = new URL(gateway.url);
    return new Target({
      address: { host, port: Number(port) },
      headers: { 'x-sandbox-id': 'target' },
      folder: '/tmp',
      log: () => gateway.child.errors,
      owned: gateway,
    });
  },
  async 'a sandbox server'() {
    const server = await startSandboxServer();
    const { socketPath, headers, folder } = server;
    return new Target({
      address: { socketPath },
      headers,
      folder,
      log: () => server.child.errors,
      owned: server,
    });
  },
};

/** The answer to a request that has begun. */
export function answerTo(outgoing: ClientRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    outgoing.on('error', (error) => isAnswered || reject(error));
    outgoing.on('response', (response) => {
      isAnswered = true;
      text(response).then((received) => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text: received, body: parsed(received) });
      }, reject);
    });
  });
}

function payloadOf(body: unknown): string | Buffer | undefined {
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return body;
  return JSON.stringify(body);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Matches the body of a failure: short, with the words for people and the code for programs. */
export function failure(code: string) {
  return {
    success: false,
    code,
    message: expect.stringMatching(/^.{5,300}$/s),
    hint: expect.stringMatching(/^.{5,300}$/s),
    data: null,
  };
}

/** Matches the body of a 422 that names a field. */
export function invalid(...loc: (string | number)[]) {
  const one = { loc, msg: expect.stringMatching(/^.{5,200}$/s), type: expect.stringMatching(/^\w+$/) };
  return { detail: expect.arrayContaining([one]) };
}
