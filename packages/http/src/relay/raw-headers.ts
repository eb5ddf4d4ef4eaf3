import type { IncomingMessage } from 'node:http';

/** Raw headers, as Node gives and takes them: names and values in turn, as they were sent. */
export type RawHeaders = readonly string[];

/** Headers that speak of one connection, not of the message (RFC 9110, 7.6.1), and the framing that each hop has its own of. */
const hopByHop = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/** What frames or routes a message is not for its Connection header to name. */
const notForConnectionToName = new Set(['content-length', 'host']);

/** The headers that go on with a message, but for those that `isDropped` picks by their names in lower case. */
export function endToEnd(raw: RawHeaders, isDropped: (name: string) => boolean = () => false): string[] {
  const named = namedByConnection(raw);
  // A loop that makes nothing on its way: every request and every answer comes through here.
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const original = raw[i] ?? '';
    const name = original.toLowerCase();
    if (!hopByHop.has(name) && !named.includes(name) && !isDropped(name))
      kept.push(original, raw[i + 1] ?? '');
  }
  return kept;
}

/**
 * Every value of a header, as they were sent. What Node has for this makes a table of all headers, for each request anew.
 *
 * @param name in lower case.
 */
export function valuesOf(raw: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const original = raw[i] ?? '';
    if (original.length === name.length && original.toLowerCase() === name) values.push(raw[i + 1] ?? '');
  }
  return values;
}

/** The headers, in lower case, that the Connection headers call their connection's own. */
function namedByConnection(raw: RawHeaders): readonly string[] {
  const values = valuesOf(raw, 'connection');
  if (values.every(isKeepAlive)) return none;
  return values
    .flatMap((options) => options.split(','))
    .map((option) => option.trim().toLowerCase())
    .filter((name) => !notForConnectionToName.has(name));
}

/** It is what most say, and names only a header that does not go on anyhow. */
function isKeepAlive(options: string): boolean {
  return options === 'keep-alive';
}

const none: readonly string[] = [];

/** Headers by which a request that goes on is framed as it came. They follow those of `endToEnd`. */
export function requestFraming(request: IncomingMessage): string[] {
  // Without it Node writes the body of a GET or DELETE without any framing: the far side reads it as further requests.
  return request.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
}

/** Headers that ask the next server for the upgrade that a request asked for, and give its answer to that back. */
export function upgradeTo({ headers }: IncomingMessage): string[] {
  return ['Connection', 'Upgrade', 'Upgrade', headers.upgrade ?? ''];
}

/** Names and values. */
export function pairs(raw: RawHeaders): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? '']);
}
