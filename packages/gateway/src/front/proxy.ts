import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { type Onward, relay, relayUpgrade, requestFraming, upgradeTo } from '@paddock/http/relay';
import { Fault } from '@paddock/protocol';
import { connectionTo, type Upstream } from '../fleet/index.ts';
import { requestHeaders } from './headers.ts';
import { answerHeaders, forwardedTo, type Mount } from './mount.ts';

interface Forwarding {
  readonly upstream: Upstream;
  /** Path and query for the sandbox. */
  readonly target: string;
  /** Whether callers need a key, which must not reach the sandbox then. */
  readonly keyed: boolean;
  readonly mount: Mount;
}

/**
 * Passes a request on to its sandbox and the answer back. A command may be silent for as long as it likes.
 *
 * @throws {Fault} `sandbox_failed` when the server could not be reached, so that nothing ran; `sandbox_died` when it
 * ended before it answered.
 */
export function forward(request: IncomingMessage, response: ServerResponse, to: Forwarding): Promise<void> {
  const isGone = () => response.destroyed;
  return relay(request, response, onwardOf(request, to, isGone, false)).catch(blameSandbox);
}

/** Passes an upgrade such as a WebSocket on, then joins the two connections. Same errors as `forward`. */
export async function forwardUpgrade(
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  to: Forwarding,
): Promise<void> {
  const isGone = () => socket.destroyed;
  await relayUpgrade(socket, head, onwardOf(request, to, isGone, true)).catch(blameSandbox);
}

function onwardOf(
  request: IncomingMessage,
  to: Forwarding,
  isClientGone: () => boolean,
  isUpgrade: boolean,
): Onward {
  const onward = open(request, to, isUpgrade);
  onward.on('error', () => {
    if (!isClientGone()) to.upstream.doubt();
  });
  const host = request.headers.host ?? '';
  return { request: onward, answerHeaders: ({ rawHeaders }) => answerHeaders(rawHeaders, to.mount, host) };
}

function open(
  request: IncomingMessage,
  { upstream, target, keyed, mount }: Forwarding,
  isUpgrade: boolean,
): ClientRequest {
  const { agent, token } = upstream;
  return httpRequest({
    ...addressOf(upstream),
    agent: isUpgrade ? false : agent,
    method: request.method,
    path: target,
    headers: requestHeaders(request.rawHeaders, {
      keyed,
      token: token(),
      isUpgrade,
      forwarded: forwardedTo(request, mount),
      hop: isUpgrade ? upgradeTo(request) : requestFraming(request),
    }),
  });
}

/** @throws {Fault} `sandbox_failed` when the server has ended, which is not yet known to whoever chose it. */
function addressOf({ server }: Upstream) {
  try {
    return connectionTo(server.address);
  } catch (cause) {
    throw new Fault('sandbox_failed', 'the sandbox server has just ended', { cause });
  }
}

function blameSandbox(error: NodeJS.ErrnoException): never {
  // EAGAIN is how a Unix socket says that too many wait to be let in.
  const neverConnected = ['ECONNREFUSED', 'ENOENT', 'EAGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(
    error.code ?? '',
  );
  throw neverConnected
    ? new Fault('sandbox_failed', 'the sandbox server cannot be reached', { cause: error })
    : new Fault('sandbox_died', undefined, { cause: error });
}
