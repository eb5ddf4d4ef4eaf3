import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { curl } from '../src/docs/curl.ts';
import { exampleOf } from '../src/docs/examples.ts';
import { repeatAfter } from '../src/docs/faults.ts';
import { fieldsOf } from '../src/docs/fields.ts';
import { describeApi } from '../src/docs/index.ts';
import { field, maybe, sandboxId, text } from '../src/fields.ts';
import {
  aio,
  control,
  document,
  type ErrorCode,
  errorCatalogue,
  type Operation,
  provisioner,
} from '../src/index.ts';
import { jsonSchema } from '../src/json-schema.ts';
import { type OperationTable, operation } from '../src/operation.ts';

const tables: readonly OperationTable[] = [aio, provisioner, document];
const rows = tables.flatMap((table) =>
  Object.entries(table).flatMap(([group, operations]) =>
    Object.entries(operations).map(([name, row]): [string, string, Operation] => [group, name, row]),
  ),
);

describe('the reference', () => {
  it('describes every operation of every table once', () => {
    const ids = describeApi([...tables, control]).flatMap(({ operations }) => operations.map(({ id }) => id));
    expect(ids).toEqual([...new Set(ids)]);
    expect(ids).toEqual(expect.arrayContaining(rows.map(([group, name]) => `${group}.${name}`)));
  });

  it('names fields inside of lists and maps by their path, and what may be null', () => {
    const schema = z.object({
      list: z.array(z.object({ size: maybe(z.int(), 'In bytes.') })),
      map: z.record(z.string(), z.object({ state: z.nullable(z.enum(['on', 'off'])) })),
      id: field(sandboxId(), 'The id.'),
      any: field(z.unknown(), 'Of any type.'),
      plain: field(text(), 'No bound is named.'),
    });
    expect(fieldsOf(jsonSchema(schema)).map(({ name, type }) => [name, type])).toEqual([
      ['list', 'list of object'],
      ['list[].size', 'integer'],
      ['map', 'object of object'],
      ['map.{key}.state', 'on | off or null'],
      ['id', 'string, matching ^[A-Za-z0-9_-]{1,64}$'],
      ['any', 'anything'],
      ['plain', 'string'],
    ]);
  });
});

describe('an example', () => {
  it.each(rows)('of %s.%s is a request that fits', (group, name, row) => {
    const sent = exampleOf(group, name, row);
    const file = row.body === 'form' ? { file: new Blob([]) } : {};
    expect(row.request.safeParse({ ...sent, ...file }).error).toBeUndefined();
  });
});

describe('a curl command', () => {
  const row = operation({
    method: 'POST',
    path: '/v1/things/{id}',
    summary: '',
    request: () => z.object({ id: z.string(), note: z.optional(z.string()) }),
    response: () => z.object({}),
  });
  const origin = 'http://127.0.0.1:8080';

  it('holds text that a shell would read otherwise', () => {
    expect(curl(row, { id: 'a/b', note: "it's $HOME" }, { origin })).toBe(
      `curl -s ${origin}/v1/things/a%2Fb \\\n  -H 'content-type: application/json' \\\n  -d '{"note":"it'\\''s $HOME"}'`,
    );
  });

  it('names the method that curl would not take by itself', () => {
    expect(curl(row, { id: 'a' }, { origin })).toBe(`curl -s -X POST ${origin}/v1/things/a`);
    expect(curl({ ...row, method: 'DELETE' }, { id: 'a', note: 'b c' }, { origin })).toBe(
      `curl -s -X DELETE '${origin}/v1/things/a?note=b+c'`,
    );
  });

  it('sends the key where one is needed, and never shows it', () => {
    expect(curl(row, { id: 'a' }, { origin, keyed: true })).toContain('-H "X-API-Key: $SANDBOX_API_KEY"');
  });
});

describe('whether to send a failed request again', () => {
  it.each<[ErrorCode, string]>([
    ['sandbox_starting', 'safe'],
    ['session_busy', 'safe'],
    ['invalid_request', 'corrected'],
    ['file_not_found', 'corrected'],
    ['sandbox_died', 'checked'],
    ['internal', 'checked'],
  ])('%s: %s', (code, expected) => {
    expect(repeatAfter(code)).toBe(expected);
  });

  it('is never called safe where a client could repeat what has started', () => {
    const safe = (Object.keys(errorCatalogue) as ErrorCode[]).filter((code) => repeatAfter(code) === 'safe');
    const isDoubtful = (code: ErrorCode) => [500, 502, 504, 410].includes(errorCatalogue[code].status);
    // Nothing took the connection, so nothing can have started.
    expect(safe.filter(isDoubtful)).toEqual(['program_not_listening']);
  });
});
