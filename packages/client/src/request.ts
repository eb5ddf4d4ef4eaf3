import { fieldsTravelIn, type Operation, pathParameters } from '@paddock/protocol/operation';
import { PaddockError } from './error.ts';
import { encodeForm } from './form.ts';

/** The fields of a request by name. */
export type Fields = Readonly<Record<string, unknown>>;

/** A request as it is sent, but for what every request of a connection has. */
export interface Request {
  /** Path and query, behind the base URL. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes the body anew; undefined when there is none. */
  readonly body?: () => string | AsyncIterable<Uint8Array>;
  /** The body comes from a source that can be read only once. */
  readonly once?: boolean;
}

/**
 * Encodes the fields of a request as the row of its operation says: in the path, in the query, or in the body.
 *
 * @throws PaddockError `invalid_request` for a path that would lead elsewhere.
 */
export function encodeRequest(row: Operation, fields: Fields): Request {
  const inPath = new Set(pathParameters(row.path));
  const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => segment(name, fields[name]));
  const others = Object.entries(fields).filter(([name, value]) => !inPath.has(name) && value !== undefined);
  if (row.body === 'form') return { target: path, ...encodeForm(others) };
  if (fieldsTravelIn(row.method) === 'body') {
    const body = JSON.stringify(Object.fromEntries(others));
    return { target: path, headers: { 'content-type': 'application/json' }, body: () => body };
  }
  const query = new URLSearchParams();
  for (const [name, value] of others) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null) query.append(name, String(item));
    }
  }
  return { target: query.size > 0 ? `${path}?${query}` : path, headers: {} };
}

/** A dot segment would be resolved away and reach another route: DELETE /sessions/. would end every session. */
function segment(name: string, value: unknown): string {
  const text = String(value ?? '');
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text);
  throw new PaddockError('invalid_request', `${name} must not be ${JSON.stringify(text)}`, {
    hint: `Pass the ${name} of what is meant.`,
  });
}
