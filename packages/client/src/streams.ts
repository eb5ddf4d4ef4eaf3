import type {
  Operation,
  OperationGroup,
  OperationTable,
  RequestOf,
  ResponseOf,
  StreamOperation,
} from '@paddock/protocol';
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
export type Streams<Table extends OperationTable> = {
  readonly [Group in keyof Table as NamesOf<Table[Group]> extends never ? never : Group]: {
    readonly [Name in NamesOf<Table[Group]>]: Stream<Table[Group][Name]>;
  };
};

/** The operations of a group whose rows offer events. */
type NamesOf<Group extends OperationGroup> = {
  [Name in keyof Group]: Group[Name] extends StreamOperation ? Name : never;
}[keyof Group];

type Stream<Op extends Operation> = (
  request: RequestOf<Op>,
  options?: CallOptions,
) => AsyncGenerator<StreamEvent<ResponseOf<Op>>, void, undefined>;

/** Makes the streaming methods of a table. */
export function streamsOf<Table extends OperationTable>(
  table: Table,
  connection: Connection,
): Streams<Table> {
  const groups = Object.entries(table).map(([group, rows]) => {
    const methods = Object.entries(rows)
      .filter(([, row]) => row.stream)
      .map(([name, row]) => [
        name,
        (fields: Fields, options?: CallOptions) => stream(connection, row, fields, options),
      ]);
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
