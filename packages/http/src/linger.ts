import type { IncomingMessage, ServerResponse } from 'node:http';

/** How long a caller may go on sending a body that nobody wants, before its connection is cut. */
const lingerMs = 5_000;

/**
 * Whether the caller is still sending its body. The answer must say `Connection: close` then: what is left of the body
 * makes the connection useless, and Node's own client waits for ever to send it while the connection stays open.
 */
export function isStillSending(request: IncomingMessage): boolean {
  const { headers, complete, destroyed } = request;
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return hasBody && !complete && !destroyed;
}

/**
 * Ends a response whose body is written. To a caller that is still sending, the end comes only when it has stopped: a
 * connection that is closed on it would take the answer from it, too (RFC 9112, 9.6).
 */
export function endGently(response: ServerResponse): void {
  const { req: request } = response;
  if (!isStillSending(request)) {
    response.end();
    return;
  }
  const end = () => {
    clearTimeout(cut);
    request.off('end', end).off('close', end);
    response.end();
  };
  const cut = setTimeout(end, lingerMs);
  request.once('end', end).once('close', end);
  request.unpipe();
  request.resume();
}
