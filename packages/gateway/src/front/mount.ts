/** Where the content of a sandbox stands on the web, and what follows for its headers. */
import type { IncomingMessage } from 'node:http';
import { endToEnd, type RawHeaders, valuesOf } from '@paddock/http/relay';

export type Mount =
  /** The sandbox's API, on the gateway's own origin. */
  | { readonly on: 'api' }
  /** A program below a path, on the gateway's own origin too. `isSecret`: the path has what stands for a key. */
  | { readonly on: 'path'; readonly prefix: string; readonly isSecret: boolean }
  /** A program on an origin of its own. */
  | { readonly on: 'host' };

const forwarded = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-prefix'] as const;

/** The headers of a request that say how it came here. They are made anew for programs. */
export const forwardedHeaders: ReadonlySet<string> = new Set(forwarded);

/** Headers that speak for all of an origin, which is more than what is answered below one path of it. */
const originWide = new Set([
  ...['alt-svc', 'clear-site-data', 'nel', 'report-to', 'reporting-endpoints'],
  ...['service-worker-allowed', 'strict-transport-security'],
]);

/** What tells a program how its caller reaches it. A proxy before us is believed about itself: nothing is decided by it. */
export function forwardedTo(request: IncomingMessage, mount: Mount): string[] {
  if (mount.on === 'api') return [];
  const { headers, socket } = request;
  const said = (name: (typeof forwarded)[number]) => String(headers[name] ?? '');
  const peers = [said('x-forwarded-for'), socket.remoteAddress ?? ''].filter(Boolean).join(', ');
  return [
    ...['X-Forwarded-For', peers],
    ...['X-Forwarded-Host', headers.host ?? ''],
    ...['X-Forwarded-Proto', said('x-forwarded-proto').toLowerCase() === 'https' ? 'https' : 'http'],
    ...(mount.on === 'path' && !mount.isSecret ? ['X-Forwarded-Prefix', mount.prefix] : []),
  ];
}

/**
 * The headers of a sandbox's answer that go on to the caller. Whatever a sandbox says, its pages can do nothing on the
 * gateway's own origin, and leave nothing there that other sandboxes get.
 *
 * @param host the host that the caller used.
 */
export function answerHeaders(raw: RawHeaders, mount: Mount, host: string): string[] {
  if (mount.on === 'host') {
    return rewritten(endToEnd(raw), { 'set-cookie': (cookie) => cookieBelow('', cookie) });
  }
  const kept = endToEnd(raw, (name) => originWide.has(name) || (mount.on === 'api' && name === 'set-cookie'));
  const ours =
    mount.on === 'api'
      ? kept
      : rewritten(kept, {
          'set-cookie': (cookie) => cookieBelow(mount.prefix, cookie),
          location: (location) => locationBelow(mount.prefix, location, host),
        });
  if (!isPlainJson(raw)) ours.push('Content-Security-Policy', 'sandbox');
  return ours;
}

function rewritten(raw: RawHeaders, change: Record<string, (value: string) => string>): string[] {
  return raw.map((text, i) => (i % 2 === 1 && change[(raw[i - 1] ?? '').toLowerCase()]?.(text)) || text);
}

/** A cookie for this program only: of no other host, and below the program's path. */
function cookieBelow(prefix: string, cookie: string): string {
  const [value = '', ...attributes] = cookie.split(';');
  const own = attributes
    .filter((attribute) => !/^\s*domain\s*(=|$)/i.test(attribute))
    .map((attribute) => {
      const path = /^\s*path\s*=\s*(\/.*?)\s*$/i.exec(attribute)?.[1];
      return path === undefined ? attribute : ` Path=${below(prefix, path)}`;
    });
  return [value, ...own].join(';');
}

/** A redirect within the program, where the program takes its own root for that of the host. */
function locationBelow(prefix: string, location: string, host: string): string {
  const [, authority, path = location] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(location) ?? [];
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase()) return location;
  return /^\/(?!\/)/.test(path) ? below(prefix, path) : location;
}

function below(prefix: string, path: string): string {
  const isBelow = path === prefix || path.startsWith(`${prefix}/`);
  return isBelow ? path : `${prefix}${path}`;
}

/** True for what no browser takes for a page. Of several types a browser may choose another than we would. */
function isPlainJson(raw: RawHeaders): boolean {
  const [type = '', another] = valuesOf(raw, 'content-type');
  return another === undefined && /^application\/json\s*(;[^,]*)?$/i.test(type);
}
