/** Operation tables as a reference for people: what the page at /docs and docs/api.md are rendered from. */
import { type ErrorCode, errorCatalogue } from '../errors.ts';
import { binary, jsonSchema } from '../json-schema.ts';
import {
  fieldsTravelIn,
  type Method,
  type Operation,
  type OperationGroup,
  type OperationTable,
  pathParameters,
} from '../operation.ts';
import { type CurlOptions, curl } from './curl.ts';
import { exampleOf } from './examples.ts';
import { type FieldReference, fieldsOf, typeInWords } from './fields.ts';
import { type GroupNote, groupNotes } from './groups.ts';

/** Where a field of a request travels. */
type Place = 'path' | 'query' | 'body' | 'form';

/** An operation as it is documented. */
export interface OperationReference {
  /** Group and name: `shell.exec`. */
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  readonly request: readonly (FieldReference & { readonly place: Place })[];
  readonly response: ResponseReference;
  /** Its own errors; those that all share are in `sharedErrors`. */
  readonly errors: readonly ErrorReference[];
  curl(options: CurlOptions): string;
}

/** What an operation answers. */
export interface ResponseReference {
  readonly answer: Operation['answer'];
  /** Whether it offers server-sent events too. */
  readonly streams: boolean;
  /** The type as a whole, in words. */
  readonly type: string;
  readonly fields: readonly FieldReference[];
}

export interface ErrorReference {
  readonly code: ErrorCode;
  readonly status: number;
  readonly what: string;
  readonly todo: string;
}

/** The operations of one capability. */
export interface GroupReference {
  readonly name: string;
  readonly title: string;
  readonly intro: string;
  readonly operations: readonly OperationReference[];
  /** The operation to try first. */
  readonly example: OperationReference | undefined;
}

/** The reference of the given tables, in their order. */
export function describeApi(tables: readonly OperationTable[]): GroupReference[] {
  return tables.flatMap((table) => Object.entries(table).map(([name, group]) => describeGroup(name, group)));
}

function describeGroup(name: string, group: OperationGroup): GroupReference {
  const notes: Readonly<Record<string, GroupNote>> = groupNotes;
  const { title = name, intro = '', example = Object.keys(group)[0] } = notes[name] ?? {};
  const operations = Object.entries(group).map(([operation, row]) => describeOperation(name, operation, row));
  return {
    name,
    title,
    intro,
    operations,
    example: operations.find(({ id }) => id === `${name}.${example}`),
  };
}

function describeOperation(group: string, name: string, row: Operation): OperationReference {
  const inPath = new Set(pathParameters(row.path));
  const elsewhere = row.body ?? fieldsTravelIn(row.method);
  const placeOf = (field: string): Place => (inPath.has(field) ? 'path' : elsewhere);
  return {
    id: `${group}.${name}`,
    method: row.method,
    path: row.path,
    summary: row.summary,
    request: fieldsOf(jsonSchema(row.request)).map((field) => ({ ...field, place: placeOf(field.name) })),
    response: describeResponse(row),
    errors: row.errors.map((code) => ({ code, ...errorCatalogue[code] })),
    curl: (options) => curl(row, exampleOf(group, name, row), options),
  };
}

function describeResponse(row: Operation): ResponseReference {
  const schema = row.answer === 'bytes' ? binary : jsonSchema(row.response);
  return {
    answer: row.answer,
    streams: row.stream ?? false,
    type: typeInWords(schema),
    fields: fieldsOf(schema),
  };
}
