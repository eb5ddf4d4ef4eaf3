import type { Operation, OperationTable, RequestOf, ResponseOf } from '@paddock/protocol';
import type { Answer } from './answer.ts';
import { call } from './call.ts';
import type { Connection } from './connection.ts';
import type { Content } from './content.ts';
import type { CallOptions } from './exchange.ts';
import type { FileContent } from './form.ts';
import type { Fields } from './request.ts';

/** The methods of an API, `group.operation(request, options)`, each giving its data. */
export type Methods<Table extends OperationTable> = {
  readonly [Group in keyof Table]: {
    readonly [Name in keyof Table[Group]]: Method<Table[Group][Name], ResultOf<Table[Group][Name]>>;
  };
};

/** The same methods, giving the server's message and hint with the data. */
export type Answers<Table extends OperationTable> = {
  readonly [Group in keyof Table]: {
    readonly [Name in keyof Table[Group]]: Method<Table[Group][Name], Answer<ResultOf<Table[Group][Name]>>>;
  };
};

/** A request without required fields may be left out. */
type Method<Op extends Operation, Result> =
  Record<never, never> extends SentTo<Op>
    ? (request?: SentTo<Op>, options?: CallOptions) => Promise<Result>
    : (request: SentTo<Op>, options?: CallOptions) => Promise<Result>;

/** What is sent to an operation: where its form has a file, its bytes as they come will do. */
type SentTo<Op extends Operation> = Op extends { readonly body: 'form' }
  ? { [Field in keyof RequestOf<Op>]: RequestOf<Op>[Field] extends Blob ? FileContent : RequestOf<Op>[Field] }
  : RequestOf<Op>;

type ResultOf<Op extends Operation> = Op extends { readonly answer: 'bytes' } ? Content : ResponseOf<Op>;

/** Makes the methods of a table. */
export function methodsOf<Table extends OperationTable>(
  table: Table,
  connection: Connection,
): Methods<Table> {
  const methods = bind(
    table,
    async (row, request, options) => (await call(connection, row, request, options)).data,
  );
  return methods as Methods<Table>;
}

/** Makes the methods of a table that give whole answers. */
export function answersOf<Table extends OperationTable>(
  table: Table,
  connection: Connection,
): Answers<Table> {
  return bind(table, (row, request, options) => call(connection, row, request, options)) as Answers<Table>;
}

type Invoke = (row: Operation, request: Fields, options?: CallOptions) => Promise<unknown>;

function bind(table: OperationTable, invoke: Invoke): Record<string, Record<string, unknown>> {
  const groups = Object.entries(table).map(([group, operations]) => {
    const bound = Object.entries(operations).map(([name, row]) => [
      name,
      (request: Fields = {}, options?: CallOptions) => invoke(row, request, options),
    ]);
    return [group, Object.fromEntries(bound)];
  });
  return Object.fromEntries(groups);
}
