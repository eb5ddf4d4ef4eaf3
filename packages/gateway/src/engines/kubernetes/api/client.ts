import type { IncomingMessage } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Access } from './access.ts';

/** More connections make bursts of writes slower: the API server works them off at its own pace. */
const connections = 12;

/** Backends give up after 10 seconds: they are to hear by then that we got no answer. */
const callTimeoutMs = 8_000;
const attemptTimeoutMs = 4_000;
const attempts = 4;
const longestPauseMs = 2_000;

/** What the API server answered in place of what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The one word that the API server gives, such as AlreadyExists. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** True for an answer of the API server with one of the statuses. */
export function isApiError(error: unknown, ...statuses: readonly number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}

/** One call of the API. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** For all attempts together. */
  readonly timeoutMs?: number;
}

const status = z.object({ reason: z.optional(z.string()), message: z.optional(z.string()) });

/** Calls the API server over connections that stay open. */
export class ApiClient implements Disposable {
  readonly #access: Access;
  readonly #agent: Agent;
  readonly #closed = new AbortController();

  constructor(access: Access) {
    this.#access = access;
    this.#agent = new Agent({ ...access.tls, keepAlive: true, maxSockets: connections, scheduling: 'lifo' });
  }

  /**
   * Calls the API and reads the answer. What fails before there is one is tried again, writes too: each of ours is safe to
   * repeat, by its resource version or by a name that exists once.
   *
   * @throws {ApiError} what the API server answered.
   * @throws {Error} when it cannot be reached.
   */
  async call<Schema extends z.ZodMiniType>(schema: Schema, call: ApiCall): Promise<z.output<Schema>> {
    const { timeoutMs } = call;
    const deadline = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(timeoutMs ?? callTimeoutMs)]);
    for (let attempt = 1; ; attempt++) {
      try {
        const signal = AbortSignal.any([deadline, AbortSignal.timeout(timeoutMs ?? attemptTimeoutMs)]);
        const { status, text, retryAfter } = await this.#exchange(call, signal);
        if (status < 300) return schema.parse(JSON.parse(text));
        const isBusy = status === 429 || status === 503 || status === 504;
        if (!isBusy || attempt >= attempts) throw errorOf(status, text);
        await pause(attempt, deadline, retryAfter);
      } catch (error) {
        if (error instanceof ApiError || error instanceof z.core.$ZodError) throw error;
        if (attempt >= attempts || deadline.aborted) throw error;
        await pause(attempt, deadline);
      }
    }
  }

  /**
   * Reads an answer line by line while it comes: a watch, or a log that is followed.
   *
   * @throws {ApiError} what the API server answered.
   * @throws {Error} when the stream breaks.
   */
  async *lines({ path, query }: ApiCall, signal: AbortSignal): AsyncGenerator<string> {
    // A connection of its own, which ends with it: it is no use to calls.
    const response = await this.#send({ path, ...(query && { query }) }, { agent: false, signal });
    if (response.statusCode !== 200) throw errorOf(response.statusCode ?? 0, await textOf(response));
    // A socket that breaks off in the middle does not end the lines by itself.
    const broken = new Promise<never>((_, reject) => {
      response.once('error', reject);
      response.once('close', () => {
        if (!response.complete) reject(new Error('the stream broke off'));
      });
    });
    broken.catch(() => {});
    const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })[
      Symbol.asyncIterator
    ]();
    try {
      while (true) {
        const next = await Promise.race([lines.next(), broken]);
        if (next.done) break;
        yield next.value;
      }
      if (!response.complete) await broken;
    } finally {
      response.destroy();
    }
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  async #exchange(call: ApiCall, signal: AbortSignal) {
    const response = await this.#send(call, { agent: this.#agent, signal });
    const text = await textOf(response);
    return { status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] };
  }

  #send(call: ApiCall, options: RequestOptions): Promise<IncomingMessage> {
    const { method = 'GET', path, query, body } = call;
    const { host, port, prefix, tls, token } = this.#access;
    const bearer = token();
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const type = method === 'PATCH' ? patchType(body) : 'application/json';
    const search = query ? `?${new URLSearchParams(query)}` : '';
    return new Promise((resolve, reject) => {
      const sent = request({
        ...options,
        ...(options.agent === false && tls),
        host,
        port,
        method,
        path: `${prefix}${path}${search}`,
        headers: {
          accept: 'application/json',
          'user-agent': 'paddock-gateway',
          ...(bearer && { authorization: `Bearer ${bearer}` }),
          ...(payload !== undefined && {
            'content-type': type,
            'content-length': Buffer.byteLength(payload),
          }),
        },
      });
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.once('socket', (socket) => socket.setKeepAlive(true, 15_000));
      sent.end(payload);
    });
  }
}

async function pause(attempt: number, signal: AbortSignal, retryAfter?: string): Promise<void> {
  const wantedMs = retryAfter ? Number(retryAfter) * 1000 || 0 : 25 * 4 ** attempt * (0.5 + Math.random());
  await delay(Math.min(longestPauseMs, wantedMs), undefined, { signal });
}

/** A list of operations is a JSON patch, an object a merge patch. */
function patchType(body: unknown): string {
  return Array.isArray(body) ? 'application/json-patch+json' : 'application/merge-patch+json';
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function errorOf(code: number, text: string): ApiError {
  let said: z.output<typeof status> = {};
  try {
    said = status.parse(JSON.parse(text));
  } catch {
    // Not the API server's own words: something in front of it answered.
  }
  return new ApiError(code, said.reason ?? 'Unknown', said.message ?? `the API server answered ${code}`);
}
