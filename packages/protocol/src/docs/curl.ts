import { fieldsTravelIn, type Operation, pathParameters } from '../operation.ts';

/** How a caller reaches the server. */
export interface CurlOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Whether it has to send a key, taken from the variable SANDBOX_API_KEY. */
  readonly keyed?: boolean;
}

/** A curl command, ready to paste into a shell, that sends these fields to an operation. */
export function curl(
  row: Operation,
  fields: Readonly<Record<string, unknown>>,
  { origin, keyed = false }: CurlOptions,
): string {
  const inPath = new Set(pathParameters(row.path));
  const path = row.path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(fields[name])));
  const others = Object.entries(fields).filter(([name]) => !inPath.has(name));
  const inBody = fieldsTravelIn(row.method) === 'body';
  const query = inBody ? '' : queryOf(others);
  const sendsBody = row.body === 'form' || (inBody && others.length > 0);
  return [
    `curl -s${methodOption(row, sendsBody)} ${quoted(`${origin}${path}${query}`)}`,
    ...(keyed ? ['-H "X-API-Key: $SANDBOX_API_KEY"'] : []),
    ...(inBody ? bodyOptions(row, others) : []),
    ...(row.answer === 'bytes' ? ['-o answer.out'] : []),
  ].join(' \\\n  ');
}

function methodOption({ method }: Operation, sendsBody: boolean): string {
  // curl sends GET by itself, and POST when there is a body.
  return method === 'GET' || (method === 'POST' && sendsBody) ? '' : ` -X ${method}`;
}

type Entries = readonly (readonly [string, unknown])[];

function queryOf(fields: Entries): string {
  if (fields.length === 0) return '';
  const query = new URLSearchParams();
  for (const [name, value] of fields) query.set(name, String(value));
  return `?${query}`;
}

function bodyOptions(row: Operation, fields: Entries): string[] {
  if (row.body === 'form') {
    const files = Object.entries(row.request.shape)
      .filter(([, schema]) => schema._zod.def.type === 'custom')
      .map(([name]) => `-F ${quoted(`${name}=@note.txt`)}`);
    return [...files, ...fields.map(([name, value]) => `-F ${quoted(`${name}=${String(value)}`)}`)];
  }
  if (fields.length === 0) return [];
  return ["-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(Object.fromEntries(fields)))}`];
}

/** The text as one word of a shell. */
function quoted(text: string): string {
  return /^[\w:/.?=&%@-]+$/.test(text) && !/[?&]/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
