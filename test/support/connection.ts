import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** Where a server listens. */
export type Address = { readonly socketPath: string } | { readonly host: string; readonly port: number };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Plain HTTP to one server over connections that stay open. No timeouts, no retries, no redirects. */
export class Connection implements Disposable {
  readonly #address: Address;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(address: Address, headers: Readonly<Record<string, string>> = {}) {
    this.#address = address;
    this.#headers = headers;
  }

  /** Sends one request; a body that is given goes as JSON. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          ...this.#address,
          method,
          path,
          agent: this.#agent,
          headers: {
            ...this.#headers,
            ...(payload !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(payload),
            }),
            ...headers,
          },
        },
        (response) => {
          text(response).then(
            (received) =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received }),
            reject,
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  /** Sends one request that must succeed; returns the answer's JSON. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.send(method, path, body);
    if (answer.status !== 200) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  }

  /** Sends a body in chunks and passes the answer's on, so that neither is ever held as a whole. */
  async transfer(
    method: string,
    path: string,
    options: {
      readonly headers?: Record<string, string>;
      readonly body?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
      readonly take?: (chunk: Buffer) => void;
    } = {},
  ): Promise<Omit<Answer, 'body'>> {
    const { headers = {}, body = [], take = () => {} } = options;
    const outgoing = request({
      ...this.#address,
      method,
      path,
      agent: this.#agent,
      headers: { ...this.#headers, ...headers },
    });
    const answered = new Promise<Omit<Answer, 'body'>>((resolve, reject) => {
      outgoing.on('error', reject);
      outgoing.on('response', (response) => {
        response.on('data', take).on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      });
    });
    // A server may answer, and close, before it has read everything: what counts is the answer.
    const [answer] = await Promise.all([answered, pipeline(Readable.from(body), outgoing).catch(() => {})]);
    return answer;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
