import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Fault } from '@paddock/protocol';
import type { SandboxName } from '../engines/engine.ts';

/** Everyone who may call, until there are named keys. */
const soleOwner = 'owner';

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

/**
 * @param apiKey the key that callers must send, or undefined when everyone who reaches the gateway may call.
 * @param secretKey what path secrets are derived from, at least 32 bytes.
 */
export function createAuth(apiKey: string | undefined, secretKey: Buffer): Auth {
  const pathSecret = (name: SandboxName) => createHmac('sha256', secretKey).update(name).digest('base64url');
  return {
    keyed: apiKey !== undefined,
    owner(headers, query) {
      if (apiKey !== undefined && !presented(headers, query).some((key) => isSame(key, apiKey))) {
        throw new Fault('unauthorized', undefined, { headers: { 'www-authenticate': 'Bearer' } });
      }
      return soleOwner;
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
