import { tokenHeader } from '@paddock/protocol';
import { keyHeaders } from './auth.ts';
import { idHeader } from './resolve.ts';

/** Headers that speak of one connection, not of the message (RFC 9110, 7.6.1), and the framing that Node writes itself. */
const hopByHop = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

const ours = new Set([...keyHeaders, idHeader, tokenHeader]);

/** Raw headers, as Node gives them: names and values in turn. */
type RawHeaders = readonly string[];

/** The headers of a request that go on to the sandbox. The key that a caller showed us is not for it. */
export function requestHeaders(
  raw: RawHeaders,
  options: { keyed: boolean; token: string; upgrade: boolean },
): string[] {
  const dropped = (name: string) => ours.has(name) || (options.keyed && name === 'authorization');
  const kept = endToEnd(raw, dropped);
  return [...kept, tokenHeader, options.token, ...(options.upgrade ? upgradeOf(raw) : [])];
}

/** The headers of a sandbox's answer that go on to the caller. */
export function responseHeaders(raw: RawHeaders): string[] {
  return endToEnd(raw, () => false);
}

function endToEnd(raw: RawHeaders, dropped: (name: string) => boolean): string[] {
  const named = connectionOptions(raw);
  return pairs(raw)
    .filter(
      ([name]) =>
        !hopByHop.has(name.toLowerCase()) && !named.has(name.toLowerCase()) && !dropped(name.toLowerCase()),
    )
    .flat();
}

/** What a Connection header names is for this hop only. What frames or routes the message is not for it to name. */
function connectionOptions(raw: RawHeaders): Set<string> {
  const listed = pairs(raw)
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase()));
  return new Set(listed.filter((name) => name !== 'content-length' && name !== 'host'));
}

function upgradeOf(raw: RawHeaders): string[] {
  const protocol = pairs(raw).find(([name]) => name.toLowerCase() === 'upgrade')?.[1] ?? '';
  return ['Connection', 'Upgrade', 'Upgrade', protocol];
}

function pairs(raw: RawHeaders): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i] ?? '', raw[2 * i + 1] ?? '']);
}
