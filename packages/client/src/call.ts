import type { Operation } from '@paddock/protocol';
import { type Answer, expectAnswer, readAnswer } from './answer.ts';
import type { Connection } from './connection.ts';
import { Content } from './content.ts';
import { type CallOptions, exchange } from './exchange.ts';
import type { Fields } from './request.ts';

/**
 * Calls an operation: its row says where each field of the request travels and what the answer looks like.
 *
 * @throws PaddockError, or the reason of a signal that aborted.
 */
export async function call(
  connection: Connection,
  row: Operation,
  fields: Fields,
  options?: CallOptions,
): Promise<Answer<unknown>> {
  if (row.answer === 'bytes') {
    return { data: new Content(await exchange(connection, row, fields, '*/*', options)) };
  }
  const sent = exchange(connection, row, fields, 'application/json', options);
  // By then the request has left.
  setImmediate(() => expectAnswer(row));
  const reply = await sent;
  const { place, status, contentType } = reply;
  return readAnswer(row, place, { status, contentType, text: await reply.text() });
}
