import { InvalidInput } from '@paddock/http';
import { Fault, sandboxId } from '@paddock/protocol';
import { defaultId } from '../fleet/index.ts';

/** Where a request goes. */
export type Destination =
  /** An operation of the gateway itself. */
  | { readonly to: 'gateway' }
  /** The probe for the sandbox of that id, which it must not claim. */
  | { readonly to: 'probe'; readonly id: string; readonly target: string }
  /** The sandbox of that id, claimed on first use. */
  | { readonly to: 'sandbox'; readonly id: string; readonly target: string }
  /** The sandbox that a path names: it must exist. The secret is what a path without a key carries. */
  | {
      readonly to: 'existing';
      readonly id: string;
      readonly secret: string | undefined;
      readonly target: string;
    };

/** The header by which a caller names its sandbox. */
export const idHeader = 'x-sandbox-id';

const inPath = /^\/s\/([^/.?]*)(?:\.([^/?]*))?(\/[^?]*)(\?.*)?$/;

/** What outsiders may reach of a sandbox server. `/bind` and whatever else it has is for the gateway alone. */
const offered = /^\/v1\//;

/**
 * Decides where a request goes, by its target as it was sent: nothing is decoded, so that no encoding of a slash or dot
 * means one thing here and another in the sandbox.
 *
 * @param target the request target: a path with its query, or an absolute URI.
 * @param ids every value of the X-Sandbox-Id header.
 * @throws {InvalidInput} for an id that no sandbox can have.
 * @throws {Fault} `route_not_found`.
 */
export function resolve(target: string, ids: readonly string[]): Destination {
  const local = originForm(target);
  const path = local.split('?', 1)[0] ?? '/';
  if (hasTricks(path)) throw new Fault('route_not_found', 'the path has dot segments or encoded separators');
  const match = inPath.exec(local);
  if (match) {
    const [, id = '', secret, rest = '/', query = ''] = match;
    return {
      to: 'existing',
      id: checkId(id, ['path', 'id']),
      secret,
      target: offeredTarget(`${rest}${query}`),
    };
  }
  if (path.startsWith('/s/') || !offered.test(path)) return { to: 'gateway' };
  const inHeader = ['header', idHeader];
  if (ids.length > 1) throw invalidId(inHeader, 'given more than once');
  const id = ids[0] === undefined ? defaultId : checkId(ids[0], inHeader);
  return { to: path === '/v1/sandbox' ? 'probe' : 'sandbox', id, target: local };
}

/** The path and query, with the slashes at its start made one: a base URL that ends in a slash gives two. */
function originForm(target: string): string {
  const absolute = /^https?:\/\/[^/?]*(.*)$/i.exec(target);
  return `/${(absolute?.[1] ?? target).replace(/^\/+/, '')}`;
}

function offeredTarget(target: string): string {
  const local = originForm(target);
  if (!offered.test(local)) throw new Fault('route_not_found', 'there is no such route in a sandbox');
  return local;
}

function hasTricks(path: string): boolean {
  return (
    /%2e|%2f|%5c|\\|[\0-\x20\x7f]/i.test(path) ||
    path.split('/').some((part) => part === '.' || part === '..')
  );
}

function checkId(id: string, loc: string[]): string {
  if (sandboxId().safeParse(id).success) return id;
  throw invalidId(loc, 'must match ^[A-Za-z0-9_-]{1,64}$');
}

function invalidId(loc: string[], msg: string): InvalidInput {
  return new InvalidInput([{ loc, msg, type: 'value_error' }]);
}

/** The query of a request target. */
export function queryOf(target: string): URLSearchParams {
  const cut = target.indexOf('?');
  return new URLSearchParams(cut < 0 ? '' : target.slice(cut + 1));
}
