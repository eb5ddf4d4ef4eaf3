import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from '@paddock/protocol';
import { type Answer, type BytesAnswer, isBytes } from './answer.ts';
import { readForm } from './form.ts';
import { readInput } from './input.ts';
import type { Call, Routes } from './routes.ts';
import { sendAnswer, sendFailure } from './send.ts';

/** Told of every fault that the caller gets as a bare `internal` with this id. */
export type FaultLog = (id: string, error: unknown, request: { method: string; path: string }) => void;

export interface ServeOptions {
  /** The largest JSON body that is read. */
  readonly limitBytes: number;
  readonly logFault: FaultLog;
  /** Picks the failures that are answered 200, with `success: false`, for clients that expect it so. */
  readonly isSoft?: (fault: Fault) => boolean;
  /** What the next enveloped answer is to say in its hint, whatever it answers. Asked once for each. */
  readonly takeNotice?: () => string | undefined;
  /** Runs before the body is read; throws a Fault to refuse the request. */
  readonly admit?: (request: IncomingMessage, response: ServerResponse) => void;
}

/** Answers a request from the routes. It never rejects: every failure has become an answer, or the client has gone. */
export async function serve(
  routes: Routes,
  options: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = request.method ?? 'GET';
  const { path, query } = splitTarget(request.url ?? '/');
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  try {
    options.admit?.(request, response);
    const match = routes.find(method, path);
    if (!match) throw new Fault('route_not_found', `no such route: ${method} ${path.slice(0, 200)}`);
    const { row, handler, params } = match;
    const carried = { params, query, request, limitBytes: options.limitBytes };
    const input = row.body === 'form' ? readForm(request) : await readInput(row, carried);
    const call: Call = {
      signal: gone.signal,
      headers: request.headers,
      target: request.url ?? '/',
      accepts: (type) => accepts(request, type),
    };
    const answer = (await handler(input as never, call)) as Answer<unknown> | BytesAnswer;
    if (!response.destroyed || isBytes(answer)) await sendAnswer(response, row, answer, options.takeNotice);
  } catch (error) {
    const log = (id: string, cause: unknown) => options.logFault(id, cause, { method, path });
    sendFailure(response, error, log, options.isSoft);
  }
}

/** Splits a request target. A base URL that ends in a slash gives `//v1/…`, which names the same path. */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const cut = target.indexOf('?');
  const path = (cut < 0 ? target : target.slice(0, cut)).replace(/^\/+/, '/');
  return { path, query: new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1)) };
}

function accepts(request: IncomingMessage, mediaType: string): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((entry) => entry.split(';', 1)[0]?.trim() === mediaType);
}
