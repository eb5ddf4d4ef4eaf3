import { fieldsTravelIn, type Operation, pathParameters } from '@paddock/protocol';
import { type Answer, readAnswer } from './answer.ts';
import type { Connection } from './connection.ts';
import { PaddockError } from './error.ts';

export type { Answer };

/** What holds for one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The fields of a request by name. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Calls an operation: its row says where each field of the request travels and what the answer looks like. Nothing is sent
 * twice.
 *
 * @throws PaddockError, or the reason of a signal that aborted.
 */
export async function call(
  connection: Connection,
  row: Operation,
  fields: Fields,
  options: CallOptions = {},
): Promise<Answer<unknown>> {
  const place = `${row.method} ${connection.origin}${row.path}`;
  const signal = eitherOf(connection.signal, options.signal);
  signal?.throwIfAborted();
  const { url, body } = request(connection.baseUrl, row, fields);
  const init = {
    method: row.method,
    headers: { ...connection.headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    ...(signal && { signal }),
  };
  try {
    const answer = await connection.transport(url, init);
    const contentType = answer.headers.get('content-type') ?? '';
    return readAnswer(row, place, { status: answer.status, contentType, text: await answer.text() });
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof PaddockError ? error : disconnected(place, connection.origin, error);
  }
}

function eitherOf(first: AbortSignal | undefined, second: AbortSignal | undefined): AbortSignal | undefined {
  return first && second ? AbortSignal.any([first, second]) : (first ?? second);
}

function request(baseUrl: string, row: Operation, fields: Fields): { url: string; body?: string } {
  const inPath = new Set(pathParameters(row.path));
  const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, fields[name]));
  const others = Object.entries(fields).filter(([name, value]) => !inPath.has(name) && value !== undefined);
  if (fieldsTravelIn(row.method) === 'body') {
    return { url: baseUrl + path, body: JSON.stringify(Object.fromEntries(others)) };
  }
  const query = new URLSearchParams();
  for (const [name, value] of others) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null) query.append(name, String(item));
    }
  }
  return { url: query.size > 0 ? `${baseUrl}${path}?${query}` : baseUrl + path };
}

/** A dot segment would be resolved away and reach another route: DELETE /sessions/. would end every session. */
function segment(name: string, value: unknown): string {
  const text = String(value ?? '');
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text);
  throw new PaddockError('invalid_request', `${name} must not be ${JSON.stringify(text)}`, {
    hint: `Pass the ${name} of what is meant.`,
  });
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
