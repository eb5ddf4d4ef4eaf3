import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@paddock/protocol';
import type { SandboxName } from '../engines/engine.ts';
import { type KeyRing, soleOwner } from '../trust/index.ts';

/** Headers that carry keys. They end at the gateway: a sandbox never sees one. */
export const keyHeaders: ReadonlySet<string> = new Set(['x-api-key', 'x-aio-api-key']);

/** Decides who a caller is. */
export interface Auth {
  /** True when callers need a key. */
  readonly keyed: boolean;
  /**
   * The owner that a request speaks for.
   *
   * @param query of the request target; `api_key` in it counts.
   * @throws {Fault} `unauthorized`.
   */
  owner(headers: IncomingHttpHeaders, query: URLSearchParams): string;
  /** The secret that stands for a key in the path to one sandbox. */
  pathSecret(name: SandboxName): string;
  /** Whether a path's secret is that of the sandbox. */
  opens(name: SandboxName, secret: string): boolean;
}

/** @param secretKey what path secrets are derived from, at least 32 bytes. */
export function createAuth(keys: KeyRing, secretKey: Buffer): Auth {
  const pathSecret = (name: SandboxName) => createHmac('sha256', secretKey).update(name).digest('base64url');
  return {
    keyed: keys.keyed,
    owner(headers, query) {
      if (!keys.keyed) return soleOwner;
      for (const key of presented(headers, query)) {
        const owner = keys.ownerOf(key);
        if (owner !== undefined) return owner;
      }
      throw new Fault('unauthorized', undefined, { headers: { 'www-authenticate': 'Bearer' } });
    },
    pathSecret,
    opens: (name, secret) => isSame(secret, pathSecret(name)),
  };
}

function presented(headers: IncomingHttpHeaders, query: URLSearchParams): string[] {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(/ +/, 2);
  const authorization = {
    bearer: () => [value],
    // user:password, where the key is the password; some clients put it where the user belongs.
    basic: () => Buffer.from(value, 'base64').toString().split(':').slice(0, 2),
  }[scheme.toLowerCase()];
  const named = [...keyHeaders].flatMap((header) => headers[header] ?? []);
  return [...named, ...(authorization?.() ?? []), ...query.getAll('api_key')];
}

/** Compares in a time that tells nothing of where they differ, nor of their lengths. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
