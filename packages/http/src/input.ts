/** From the bytes of a request to the checked input of its operation. */
import type { IncomingMessage } from 'node:http';
import { Fault, fieldsTravelIn, type InvalidBody, type Operation } from '@paddock/protocol';

type Detail = InvalidBody['detail'][number];
type Place = 'path' | 'query' | 'body';

/** The request does not fit its operation: a 422 with the details of every field that is wrong. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly detail: readonly Detail[];

  constructor(detail: readonly Detail[]) {
    super(detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; '));
    this.detail = detail;
  }
}

/** What a request brings along for its operation, before it is checked. */
interface Carried {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly limitBytes: number;
}

/**
 * The input of an operation.
 *
 * @throws {InvalidInput} when it does not fit the schema.
 * @throws {Fault} `body_too_large`.
 */
export async function readInput(row: Operation, carried: Carried): Promise<unknown> {
  const place = fieldsTravelIn(row.method);
  const fields =
    place === 'body'
      ? await readJson(carried.request, carried.limitBytes)
      : Object.fromEntries(carried.query);
  const input = { ...fields, ...carried.params };
  const result = row.request.safeParse(input);
  if (result.success) return result.data;
  throw new InvalidInput(
    result.error.issues.map((issue) => {
      const names = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
      const at: Place = names.length > 0 && Object.hasOwn(carried.params, String(names[0])) ? 'path' : place;
      return describe(issue, [at, ...names], valueAt(input, names));
    }),
  );
}

async function readJson(request: IncomingMessage, limitBytes: number): Promise<object> {
  const body = await readBody(request, limitBytes);
  if (body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'not valid UTF-8';
    // The parser quotes the text around the fault; an answer must not carry the request's content.
    throw new InvalidInput([
      {
        loc: ['body'],
        msg: `JSON decode error: ${why.replace(/,? *(\.\.\.)?".*$/s, '')}`,
        type: 'json_invalid',
      },
    ]);
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new InvalidInput([
      { loc: ['body'], msg: 'Input should be an object', type: 'model_attributes_type' },
    ]);
  }
  return parsed;
}

/** All bytes of a request's body. */
async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge(limitBytes);
  const chunks: Buffer[] = [];
  let size = 0;
  // Events, not `for await`: leaving the loop early would destroy the socket before a 413 could be sent on it.
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else {
        // What still comes is read and thrown away, so that the caller gets to the answer.
        chunks.length = 0;
        reject(tooLarge(limitBytes));
      }
    });
    request.once('end', resolve);
    request.once('error', reject);
  });
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(limitBytes: number): Fault {
  return new Fault('body_too_large', `the body is larger than ${limitBytes} bytes`);
}

interface Issue {
  readonly code?: string | undefined;
  readonly message: string;
  readonly expected?: string;
  readonly values?: readonly unknown[];
}

/** An issue in the words and types that clients of the published API know. */
function describe(issue: Issue, loc: (string | number)[], value: unknown): Detail {
  if (value === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_value')) {
    return { loc, msg: 'Field required', type: 'missing' };
  }
  if (issue.code === 'invalid_type' && issue.expected) {
    const expected = issue.expected === 'int' ? 'integer' : issue.expected;
    return { loc, msg: `Input should be a valid ${expected}`, type: `${expected}_type` };
  }
  if (issue.code === 'invalid_value' && issue.values) {
    return {
      loc,
      msg: `Input should be one of ${issue.values.map((v) => `'${v}'`).join(', ')}`,
      type: 'enum',
    };
  }
  return { loc, msg: issue.message, type: issue.code ?? 'value_error' };
}

function valueAt(input: unknown, names: readonly (string | number)[]): unknown {
  return names.reduce<unknown>(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    input,
  );
}
