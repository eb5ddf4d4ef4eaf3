import { type IncomingMessage, request as overHttp } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** What carries requests. The global `fetch` is one, but ends a request whose answer takes 300 seconds to begin. */
export type Transport = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string | AsyncIterable<Uint8Array>;
    /** Given with a body that is not text: `fetch` asks for it. */
    readonly duplex?: 'half';
    readonly signal?: AbortSignal;
  },
) => Promise<TransportAnswer>;

/** The part of a `Response` that the client reads. */
interface TransportAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/**
 * Sends over node:http, which waits for an answer as long as the caller does: a command may be silent for an hour. Idle
 * connections are kept and reused by the process's global agent, and TCP keep-alive notices a peer that is gone.
 */
export const patientTransport: Transport = async (url, { method, headers, body, signal }) => {
  // Most gateways are near, and TLS takes a program some milliseconds to load.
  const send = url.startsWith('https:') ? (await import('node:https')).request : overHttp;
  return new Promise((resolve, reject) => {
    const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {};
    const options = { method, headers: { ...headers, ...length }, ...(signal && { signal }) };
    const outgoing = send(url, options, (incoming) => {
      resolve({
        status: incoming.statusCode ?? 0,
        headers: { get: (name) => String(incoming.headers[name] ?? '') || null },
        body: incoming,
        text: () => textOf(incoming),
      });
    });
    outgoing.on('error', reject);
    if (body === undefined || typeof body === 'string') outgoing.end(body);
    // A server may answer, and close, before it has read everything: once it has answered this changes nothing.
    else pipeline(body, outgoing).catch(reject);
  });
};

/** By its events: what Node has for this takes two milliseconds before it has read anything, when a program uses it once. */
function textOf(incoming: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => {
      text += part;
    });
    incoming.once('end', () => resolve(text));
    incoming.once('error', reject);
  });
}
