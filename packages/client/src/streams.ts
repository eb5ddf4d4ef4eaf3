import type { Operation, OperationTable, RequestOf, ResponseOf } from '@paddock/protocol';
import * as z from 'zod/mini';
import { fit, readAnswer, readFailure } from './answer.ts';
import type { Connection } from './connection.ts';
import { PaddockError } from './error.ts';
import { readEvents } from './event-stream.ts';
import { type CallOptions, exchange, type Reply } from './exchange.ts';
import type { Fields } from './request.ts';

/** What an operation tells while it works: output as it comes, and at last its result. */
export type StreamEvent<Result> =
  | { readonly event: 'output'; readonly output: string }
  | { readonly event: 'result'; readonly result: Result; readonly hint?: string | undefined };

/** Methods that tell what happens while it happens. To leave the loop over one ends its connection. */
export type Streams<Table extends OperationTable, Picked extends PickOf<Table>> = {
  readonly [Group in keyof Picked & keyof Table]: {
    readonly [Name in NamesOf<Picked[Group]> & keyof Table[Group]]: Stream<Table[Group][Name]>;
  };
};

/** The names of operations by group. */
type PickOf<Table extends OperationTable> = {
  readonly [Group in keyof Table]?: readonly (keyof Table[Group])[];
};

type NamesOf<List> = List extends readonly (infer Name)[] ? Name : never;

type Stream<Op extends Operation> = (
  request: RequestOf<Op>,
  options?: CallOptions,
) => AsyncGenerator<StreamEvent<ResponseOf<Op>>, void, undefined>;

/** Makes the streaming methods of a table. */
export function streamsOf<Table extends OperationTable, const Picked extends PickOf<Table>>(
  table: Table,
  picked: Picked,
  connection: Connection,
): Streams<Table, Picked> {
  const groups = Object.entries<readonly PropertyKey[] | undefined>(picked).map(([group, names = []]) => {
    const methods = names.flatMap((name) => {
      const row = table[group]?.[String(name)];
      return row
        ? [[name, (fields: Fields, options?: CallOptions) => stream(connection, row, fields, options)]]
        : [];
    });
    return [group, Object.fromEntries(methods)];
  });
  return Object.fromEntries(groups);
}

async function* stream(
  connection: Connection,
  row: Operation,
  fields: Fields,
  options?: CallOptions,
): AsyncGenerator<StreamEvent<unknown>, void, undefined> {
  const reply = await exchange(connection, row, fields, 'text/event-stream', options);
  try {
    yield* reply.contentType.startsWith('text/event-stream') ? events(row, reply) : [await whole(row, reply)];
  } finally {
    reply.cancel();
  }
}

async function* events(row: Operation, reply: Reply): AsyncGenerator<StreamEvent<unknown>, void, undefined> {
  const { place, status } = reply;
  for await (const { event, data } of readEvents(reply.chunks())) {
    const body: unknown = JSON.parse(data);
    if (event === 'error') throw readFailure(body, { status }) ?? new Error(`${place}: ${data}`);
    if (event === 'output') yield { event, output: fit(output, body, place, status).output };
    if (event !== 'result') continue; // Of a newer server.
    const { hint } = fit(hinted, body, place, status);
    return yield { event, result: fit(row.response, body, place, status), hint };
  }
  throw new PaddockError('connection_lost', `${place} ended before its result`, {
    hint: 'It may still run: look at the session before you send it again.',
  });
}

const output = z.object({ output: z.string() });
const hinted = z.object({ hint: z.optional(z.string()) });

/** A server that does not stream answers at the end. */
async function whole(row: Operation, reply: Reply): Promise<StreamEvent<unknown>> {
  const { place, status, contentType } = reply;
  const { data, hint } = readAnswer(row, place, { status, contentType, text: await reply.text() });
  return { event: 'result', result: data, hint };
}
