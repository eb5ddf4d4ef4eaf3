import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { endGently, isStillSending } from '@paddock/http';
import { Fault } from '@paddock/protocol';
import type { Upstream } from '../fleet/index.ts';
import { requestHeaders, responseHeaders } from './headers.ts';

interface Forwarding {
  readonly upstream: Upstream;
  /** Path and query for the sandbox. */
  readonly target: string;
  /** Whether callers need a key, which must not reach the sandbox then. */
  readonly keyed: boolean;
}

/**
 * Passes a request on and streams both ways, at the pace of the slower side. No time limit ends it: a command may be
 * silent for as long as it likes. Nothing is sent twice.
 *
 * @throws {Fault} `sandbox_failed` when the server could not be reached, so that nothing ran; `sandbox_died` when it
 * ended before it answered.
 */
export function forward(request: IncomingMessage, response: ServerResponse, to: Forwarding): Promise<void> {
  return new Promise((resolve, reject) => {
    const onward = open(request, to, false);
    const clientGone = () => {
      if (!response.writableFinished) onward.destroy();
      resolve();
    };
    response.once('close', clientGone);
    onward.on('response', (answer) => {
      const close = isStillSending(request) ? ['Connection', 'close'] : [];
      const headers = [...responseHeaders(answer.rawHeaders), ...close];
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
      // Events must leave when they come, also the headers before the first one.
      if (answer.headers['content-length'] === undefined) response.flushHeaders();
      answer.pipe(response, { end: false });
      answer.once('end', () => endGently(response));
      // A sandbox that ends in the middle ends the answer in the middle: the caller sees that it is not whole.
      answer.once('error', () => response.destroy());
    });
    onward.on('error', (error) => {
      if (!response.destroyed) to.upstream.doubt();
      if (response.destroyed) resolve();
      else if (response.headersSent) response.destroy();
      else reject(faultOf(error));
    });
    // Not a pipeline: one whose sink closes early destroys its source, and with it the answer's own connection.
    request.pipe(onward);
  });
}

/** Passes an upgrade such as a WebSocket on, then joins the two connections. Same errors as `forward`. */
export function forwardUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  to: Forwarding,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onward = open(request, to, true);
    const clientGone = () => {
      onward.destroy();
      resolve();
    };
    socket.once('close', clientGone);
    onward.on('upgrade', (answer: IncomingMessage, far: Socket, farHead: Buffer) => {
      socket.write(
        statusLine(answer) + headerLines([...responseHeaders(answer.rawHeaders), ...upgradeHeaders(answer)]),
      );
      socket.write(farHead);
      far.write(head);
      far.setNoDelay(true);
      socket.setNoDelay(true);
      pipeline(far, socket, () => socket.destroy());
      pipeline(socket, far, () => far.destroy());
    });
    onward.on('response', (answer) => {
      // Refused: the answer is an ordinary one, and the connection ends with it.
      socket.write(
        statusLine(answer) + headerLines([...responseHeaders(answer.rawHeaders), 'Connection', 'close']),
      );
      pipeline(answer, socket, () => resolve());
    });
    onward.on('error', (error) => {
      if (socket.destroyed) return resolve();
      to.upstream.doubt();
      reject(faultOf(error));
    });
    onward.end();
  });
}

function open(
  request: IncomingMessage,
  { upstream, target, keyed }: Forwarding,
  upgrade: boolean,
): ClientRequest {
  const { server, agent, token } = upstream;
  return httpRequest({
    socketPath: server.address.socketPath,
    agent: upgrade ? false : agent,
    method: request.method,
    path: target,
    headers: requestHeaders(request.rawHeaders, { keyed, token: token(), upgrade }),
    setHost: false,
  });
}

function faultOf(error: NodeJS.ErrnoException): Fault {
  // EAGAIN is how a Unix socket says that too many wait to be let in.
  const neverConnected = ['ECONNREFUSED', 'ENOENT', 'EAGAIN'].includes(error.code ?? '');
  return neverConnected
    ? new Fault('sandbox_failed', 'the sandbox server cannot be reached', { cause: error })
    : new Fault('sandbox_died', undefined, { cause: error });
}

function statusLine(answer: IncomingMessage): string {
  return `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
}

function upgradeHeaders(answer: IncomingMessage): string[] {
  return ['Connection', 'Upgrade', 'Upgrade', answer.headers.upgrade ?? ''];
}

function headerLines(raw: readonly string[]): string {
  const lines = Array.from({ length: raw.length / 2 }, (_, i) => `${raw[2 * i]}: ${raw[2 * i + 1]}\r\n`);
  return `${lines.join('')}\r\n`;
}
