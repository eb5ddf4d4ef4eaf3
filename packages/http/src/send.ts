/** From a handler's answer, or its failure, to the bytes of a response. */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type FailureBody, Fault, type InvalidBody, type Operation } from '@paddock/protocol';
import { type Answer, type BytesAnswer, isBytes, isReply, isStream, type ServerEvent } from './answer.ts';
import { InvalidInput } from './input.ts';
import { endGently, isStillSending } from './linger.ts';

const keepAliveMs = 15_000;

/** Sends what a handler returned for this operation. Resolves once a stream has ended. */
export async function sendAnswer(
  response: ServerResponse,
  row: Operation,
  answer: Answer<unknown> | BytesAnswer,
  takeNotice: () => string | undefined = () => undefined,
): Promise<void> {
  if (isBytes(answer)) return sendBytes(response, answer);
  if (isStream(answer)) return sendEvents(response, answer.events);
  const { data, hint, message } = isReply(answer) ? answer : { data: answer };
  if (row.answer === 'plain') return sendJson(response, 200, data);
  const hints = [takeNotice(), hint].filter(Boolean).join(' ');
  const done = message ?? 'Operation successful';
  sendJson(response, 200, {
    success: true,
    message: done,
    data: data ?? null,
    ...(hints && { hint: hints }),
  });
}

/**
 * Answers with a failure: one of the catalogue or an input that does not fit as itself, any other as a bare `internal`
 * whose cause `log` is told under an id. A fault that `isSoft` picks is answered 200, as its body alone says.
 */
export function sendFailure(
  response: ServerResponse,
  error: unknown,
  log: (id: string, error: unknown) => void,
  isSoft: (fault: Fault) => boolean = () => false,
): void {
  if (response.destroyed) return; // The client has gone; nobody is left to tell.
  if (response.headersSent) {
    if (!(error instanceof Fault)) log(randomUUID(), error);
    response.destroy();
  } else if (error instanceof InvalidInput) {
    sendJson(response, 422, { detail: [...error.detail] } satisfies InvalidBody);
  } else if (error instanceof Fault) {
    sendFault(response, error, isSoft(error) ? 200 : error.status);
  } else {
    const id = randomUUID();
    log(id, error);
    const fault = new Fault('internal', `internal fault ${id}`);
    sendFault(response, fault, fault.status);
  }
}

function sendFault(response: ServerResponse, fault: Fault, status: number): void {
  for (const [name, value] of Object.entries(fault.headers)) response.setHeader(name, value);
  sendJson(response, status, failureOf(fault));
}

function failureOf(fault: Fault): FailureBody {
  return { success: false, message: fault.message, data: fault.data, code: fault.code, hint: fault.hint };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(isStillSending(response.req) && { connection: 'close' }),
  });
  response.write(text);
  endGently(response);
}

async function sendBytes(response: ServerResponse, answer: BytesAnswer): Promise<void> {
  await using content = answer;
  if (response.destroyed) return;
  response.writeHead(content.status, content.headers);
  if (response.req.method !== 'HEAD') {
    for await (const chunk of content.chunks()) {
      await written(response, chunk);
      if (response.destroyed) return;
    }
  }
  response.end();
}

/** Resolves when the bytes have left, or the caller has: the callback alone can be lost then. */
function written(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.once('close', done);
    response.write(chunk, done);
  });
}

async function sendEvents(response: ServerResponse, events: AsyncIterable<ServerEvent>): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), keepAliveMs);
  try {
    for await (const { event, data, id } of events) {
      if (response.destroyed) return;
      const head = id === undefined ? `event: ${event}` : `id: ${id}\nevent: ${event}`;
      if (!response.write(`${head}\ndata: ${JSON.stringify(data)}\n\n`)) await drained(response);
    }
  } catch (error) {
    // The status is sent already: the failure travels as the last event.
    if (!(error instanceof Fault)) throw error;
    response.write(`event: error\ndata: ${JSON.stringify(failureOf(error))}\n\n`);
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
