import type { Operation } from '@paddock/protocol';
import { failure, isSuccess } from './answer.ts';
import type { Connection } from './connection.ts';
import { PaddockError } from './error.ts';
import { encodeRequest, type Fields, type Request } from './request.ts';
import { retrying } from './retry.ts';

/** What holds for one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Further headers, such as `range` for a download. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An answer of success whose body has not been read yet. Whoever gets one reads it to its end or cancels it. */
export interface Reply {
  /** The operation in words, for messages. */
  readonly place: string;
  readonly status: number;
  readonly contentType: string;
  /** The length that the server announced. */
  readonly sizeBytes: number | undefined;
  text(): Promise<string>;
  chunks(): AsyncGenerator<Uint8Array>;
  /** Ends the connection if the answer is still on its way. */
  cancel(): void;
}

/**
 * Sends a request as the row of its operation says, again where the connection's `retries` allow it and nothing can have
 * run, and gives the answer once its head is there.
 *
 * @throws PaddockError for a failure, or the reason of a signal that aborted.
 */
export async function exchange(
  connection: Connection,
  row: Operation,
  fields: Fields,
  accept: string,
  options: CallOptions = {},
): Promise<Reply> {
  const signals = [connection.signal, options.signal].filter((signal) => signal !== undefined);
  const signal = signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  const encoded = encodeRequest(row, fields);
  const request = { ...encoded, headers: { ...options.headers, ...encoded.headers } };
  const limit = request.once ? 0 : connection.retries;
  return retrying({ limit, signal }, () => attempt(connection, row, request, accept, signal));
}

async function attempt(
  connection: Connection,
  row: Operation,
  request: Request,
  accept: string,
  asked: AbortSignal | undefined,
): Promise<Reply> {
  const place = `${row.method} ${connection.origin}${row.path}`;
  const cancelled = new AbortController();
  const source = request.body && new Source(request.body());
  const lost = (error: unknown): unknown => {
    if (asked?.aborted) return asked.reason;
    if (source?.failed) return source.failed.reason;
    return error instanceof PaddockError ? error : disconnected(place, connection.origin, error);
  };
  asked?.throwIfAborted();
  try {
    const answer = await connection.transport(connection.baseUrl + request.target, {
      method: row.method,
      headers: { accept, ...connection.headers, ...request.headers },
      ...(source && { body: source.body }),
      ...(source && typeof source.body !== 'string' && { duplex: 'half' }),
      signal: asked ? AbortSignal.any([asked, cancelled.signal]) : cancelled.signal,
    });
    const { status, headers } = answer;
    const contentType = headers.get('content-type') ?? '';
    if (!isSuccess(status)) {
      const retryAfter = headers.get('retry-after') ?? '';
      throw failure(place, { status, contentType, retryAfter, text: await answer.text() });
    }
    const length = headers.get('content-length');
    return {
      place,
      status,
      contentType,
      sizeBytes: length === null ? undefined : Number(length),
      text: () => answer.text().catch((error: unknown) => Promise.reject(lost(error))),
      async *chunks() {
        try {
          yield* answer.body ?? [];
        } catch (error) {
          throw lost(error);
        }
      },
      cancel: () => cancelled.abort(),
    };
  } catch (error) {
    throw lost(error);
  }
}

/** A body that tells whether it was the caller's own source that failed. */
class Source {
  readonly body: string | AsyncIterable<Uint8Array>;
  failed: { readonly reason: unknown } | undefined;

  constructor(body: string | AsyncIterable<Uint8Array>) {
    this.body = typeof body === 'string' ? body : this.#watch(body);
  }

  async *#watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (reason) {
      this.failed = { reason };
      throw reason;
    }
  }
}

function disconnected(place: string, origin: string, cause: unknown): PaddockError {
  const reason = reasonOf(cause);
  if (neverConnected.has(reason)) {
    return new PaddockError('unreachable', `nobody answers at ${origin} (${reason})`, {
      hint: 'Start a gateway with `paddock serve`, or correct the URL.',
      cause,
    });
  }
  return new PaddockError('connection_lost', `the connection broke during ${place} (${reason})`, {
    hint: 'It may have run, whole or in part: check before you send it again.',
    cause,
  });
}

/** Codes of a connection that was never made, so that nothing can have run. */
const neverConnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The code of the innermost cause: `fetch` wraps it once, attempts at several addresses twice. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
