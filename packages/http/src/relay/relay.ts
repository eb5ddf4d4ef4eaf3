import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { endGently, isStillSending } from '../linger.ts';
import { pairs, type RawHeaders, upgradeTo } from './raw-headers.ts';

/** The other half of a request that is passed on. */
export interface Onward {
  /** The request to the next server. Its body has not begun. */
  readonly request: ClientRequest;
  /** The headers that go back to the caller, of those that came with the answer. */
  readonly answerHeaders: (answer: IncomingMessage) => string[];
}

/**
 * Passes a request on and its answer back, both streamed at the pace of the slower side. No time limit ends it. Nothing is
 * sent twice. A caller that goes away ends the request that was passed on.
 *
 * Resolves when the caller has its answer or has gone.
 *
 * @throws {Error} of the onward request, when it failed before anything was answered. An answer that breaks off later
 * breaks off for the caller too, who so sees that it is not whole.
 */
export function relay(
  request: IncomingMessage,
  response: ServerResponse,
  { request: onward, answerHeaders }: Onward,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const fail = (error: Error) => {
      onward.destroy();
      if (response.destroyed) resolve();
      else reject(error);
    };
    onward.on('error', (error) => {
      // Later it is for the answer to say that it broke off: one to a body that nobody wanted is whole all the same.
      if (!isAnswered) fail(error);
    });
    // It comes once, as what follows: `once` would only make more to throw away, for each request.
    onward.on('close', () => {
      if (!isAnswered) fail(new Error('the connection closed without an answer'));
    });
    const clientGone = () => {
      if (!response.writableFinished) onward.destroy();
      resolve();
    };
    if (response.destroyed) return clientGone();
    response.on('close', clientGone);
    onward.on('response', (answer) => {
      isAnswered = true;
      try {
        sendHead(response, answer, answerHeaders(answer));
      } catch (error) {
        return fail(new Error('the answer cannot be passed on', { cause: error }));
      }
      answer.pipe(response, { end: false });
      answer.on('end', () => endGently(response));
      answer.on('error', () => response.destroy());
    });
    // Not a pipeline: one whose sink closes early destroys its source, and with it the answer's own connection.
    request.pipe(onward);
    // Node holds the headers back until the body begins, and a caller may hold that back until it has an answer.
    setImmediate(() => {
      if (!onward.writableEnded && !onward.destroyed) onward.flushHeaders();
    });
  });
}

/** @throws {Error} for a head that a hostile or broken server sent, which Node reads and does not write. */
function sendHead(response: ServerResponse, answer: IncomingMessage, headers: string[]): void {
  if (isStillSending(response.req)) headers.push('Connection', 'close');
  response.writeHead(answer.statusCode ?? 0, reasonOf(answer), headers);
  // Events must leave when they come, also the headers before the first one.
  if (answer.headers['content-length'] === undefined) response.flushHeaders();
}

/** The words beside a status. Node reads any there and does not write all of them. */
function reasonOf({ statusMessage = '' }: IncomingMessage): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(statusMessage) ? statusMessage : '';
}

/**
 * Passes an upgrade such as a WebSocket on, then joins the two connections until either ends. A refusal is passed back as
 * the ordinary answer that it is.
 *
 * @param head what the caller has sent already of what comes after the upgrade.
 * @throws {Error} of the onward request, when it failed before anything was answered.
 */
export function relayUpgrade(
  socket: Socket,
  head: Buffer,
  { request: onward, answerHeaders }: Onward,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const fail = (error: Error) => {
      if (socket.destroyed) resolve();
      else if (isAnswered) socket.destroy();
      else reject(error);
    };
    onward.on('error', fail);
    onward.once('close', () => {
      if (!isAnswered) fail(new Error('the connection closed without an answer'));
    });
    const clientGone = () => {
      onward.destroy();
      resolve();
    };
    if (socket.destroyed) return clientGone();
    socket.once('close', clientGone);
    onward.once('upgrade', (answer: IncomingMessage, far: Socket, farHead: Buffer) => {
      isAnswered = true;
      socket.write(headOf(answer, [...answerHeaders(answer), ...upgradeTo(answer)]), 'latin1');
      socket.write(farHead);
      far.write(head);
      far.setNoDelay(true);
      socket.setNoDelay(true);
      pipeline(far, socket, () => socket.destroy());
      pipeline(socket, far, () => far.destroy());
    });
    onward.once('response', (answer) => {
      isAnswered = true;
      socket.write(headOf(answer, [...answerHeaders(answer), 'Connection', 'close']), 'latin1');
      pipeline(answer, socket, () => resolve());
    });
    onward.end();
  });
}

function headOf(answer: IncomingMessage, headers: RawHeaders): string {
  const lines = pairs(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.statusCode} ${reasonOf(answer)}\r\n${lines.join('')}\r\n`;
}
