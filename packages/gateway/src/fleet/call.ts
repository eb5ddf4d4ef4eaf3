import { type Agent, request } from 'node:http';
import {
  Fault,
  failureBody,
  isErrorCode,
  type Operation,
  type RequestOf,
  type ResponseOf,
  tokenHeader,
} from '@paddock/protocol';
import type { Server, ServerAddress } from '../engines/engine.ts';

/** Answers of servers are bounded: they are as hostile as the code beside them. */
const answerLimitBytes = 1024 * 1024;

interface ServerCall<Op extends Operation> {
  readonly server: Server;
  readonly agent: Agent;
  readonly row: Op;
  readonly body: RequestOf<Op>;
  readonly token?: string;
  readonly signal: AbortSignal;
}

/**
 * Calls an operation of a sandbox server on the gateway's own behalf.
 *
 * @throws {Fault} what the server answered when that is a failure.
 * @throws {Error} when it cannot be reached or answers what the operation does not.
 */
export async function callServer<Op extends Operation>(call: ServerCall<Op>): Promise<ResponseOf<Op>> {
  const { status, body } = await exchange(call);
  if (status === 200)
    return call.row.response.parse(call.row.answer === 'plain' ? body : dataOf(body)) as ResponseOf<Op>;
  const failure = failureBody().safeParse(body);
  if (failure.success && isErrorCode(failure.data.code))
    throw new Fault(failure.data.code, failure.data.message);
  throw new Error(`a sandbox server answered ${status} to ${call.row.path}`);
}

/** What node:http connects by. */
export function connectionTo(address: ServerAddress) {
  // Not spread: an engine may compute it, and refuse.
  return 'socketPath' in address
    ? { socketPath: address.socketPath }
    : { host: address.host, port: address.port };
}

function dataOf(envelope: unknown): unknown {
  return typeof envelope === 'object' && envelope !== null && 'data' in envelope ? envelope.data : undefined;
}

function exchange({ server, agent, row, body, token, signal }: ServerCall<Operation>) {
  const payload = row.method === 'GET' ? '' : JSON.stringify(body);
  const headers = { 'content-length': Buffer.byteLength(payload), ...(token && { [tokenHeader]: token }) };
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const sent = request(
      { ...connectionTo(server.address), agent, method: row.method, path: row.path, headers, signal },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > answerLimitBytes)
            response.destroy(new Error('the answer of a sandbox server is too large'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) });
          } catch (error) {
            reject(error);
          }
        });
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}
