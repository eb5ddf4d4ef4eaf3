import { InvalidInput } from '@paddock/http';
import { Fault, sandboxId } from '@paddock/protocol';
import type { SandboxName } from '../engines/engine.ts';
import { defaultId } from '../fleet/index.ts';
import { absolute, type ProgramHost } from './address.ts';

/** Where a request goes. `target` is the path and query for the sandbox. */
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
    }
  /** The program that has the host to itself, in the sandbox of that name: it must exist. */
  | { readonly to: 'program'; readonly name: SandboxName; readonly target: string };

/** What of a request decides where it goes. */
export interface Address {
  /** The request target: a path with its query, or an absolute URI. */
  readonly target: string;
  /** Every value of the X-Sandbox-Id header. */
  readonly ids: readonly string[];
  /** The program whose host the request names. */
  readonly program: ProgramHost | undefined;
}

/** The header by which a caller names its sandbox. */
export const idHeader = 'x-sandbox-id';

const inPath = /^\/s\/([^/.?]*)(?:\.([^/?]*))?(\/[^?]*)(\?.*)?$/s;

/** What outsiders may reach of a sandbox server. `/bind` and whatever else it has is for the gateway alone. */
const offered = /^\/(v1|proxy)\//;

/** The part of a path that leads to a program; what follows is for the program to read. */
const toProgram = /^(?:\/s\/[^/]*\/*)?\/proxy\/[^/]+/;

/**
 * Decides where a request goes, by its target as it was sent: nothing is decoded, so that no encoding of a slash or dot
 * means one thing here and another in the sandbox.
 *
 * A program's host comes first: were any path of it the gateway's, pages of that program could use it as their own.
 *
 * @throws {InvalidInput} for an id that no sandbox can have.
 * @throws {Fault} `route_not_found`.
 */
export function resolve({ target, ids, program }: Address): Destination {
  if (program) {
    const asked = verbatim(target);
    refuseTricks('', pathOf(asked));
    return { to: 'program', name: program.name, target: `/proxy/${program.port}${asked}` };
  }
  const local = oneSlash(verbatim(target));
  const path = pathOf(local);
  const way = toProgram.exec(path)?.[0];
  if (way === undefined) refuseTricks(path, '');
  else refuseTricks(way, path.slice(way.length));
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

/** Path and query, of an absolute URI too. */
function verbatim(target: string): string {
  const local = absolute.exec(target)?.[2] ?? target;
  return local.startsWith('/') ? local : `/${local}`;
}

/** The slashes at the start made one: a base URL that ends in a slash gives two. */
function oneSlash(target: string): string {
  return target.replace(/^\/+/, '/');
}

function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '/';
}

function offeredTarget(target: string): string {
  const local = oneSlash(target);
  if (!offered.test(local)) throw new Fault('route_not_found', 'there is no such route in a sandbox');
  return local;
}

/**
 * @param ours the part of a path that is read here and in the sandbox server.
 * @param programs the part that a program reads. Encoded slashes have their meaning there; dot segments do not, since
 * whatever stands between a caller and us may have resolved them.
 */
function refuseTricks(ours: string, programs: string): void {
  const tricks =
    /%2e|%2f|%5c/i.test(ours) ||
    /[\\\0-\x20\x7f]/.test(ours + programs) ||
    /(^|\/)(\.|%2e){1,2}(\/|$)/i.test(ours + programs);
  if (tricks) throw new Fault('route_not_found', 'the path has dot segments or encoded separators');
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
  return cut < 0 ? noQuery : new URLSearchParams(target.slice(cut + 1));
}

const noQuery = new URLSearchParams();
