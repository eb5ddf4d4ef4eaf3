import type { BytesAnswer, Call, Handler } from '@paddock/http';
import type { provisioner } from '@paddock/protocol';
import type { Engine } from '../engines/engine.ts';
import type { Fleet } from '../fleet/index.ts';

export interface LogsOptions {
  readonly fleet: Fleet;
  readonly engine: Engine;
  /** @throws {Fault} `unauthorized`. */
  readonly ownerOf: (call: Call) => string;
}

/** The operation that gives the log of a sandbox to its owner, and to nobody else. */
export function logsRoute({
  fleet,
  engine,
  ownerOf,
}: LogsOptions): Handler<typeof provisioner.sandboxes.logs> {
  return async ({ sandbox_id, tail, since, follow }, call) => {
    const { name } = (await fleet.existing(ownerOf(call), sandbox_id)).claim;
    const lines = engine.logs(name, {
      tailLines: tail ?? undefined,
      sinceMs: since ? Date.parse(since) : undefined,
      follow: follow === 'true',
      signal: call.signal,
    });
    return asText(lines);
  };
}

function asText(lines: AsyncIterable<string>): BytesAnswer {
  return {
    kind: 'bytes',
    status: 200,
    // As text of its own: what a sandbox printed is never a page.
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    // An empty piece sends the head: who follows wants to know that it was understood.
    async *chunks() {
      for await (const text of lines) yield Buffer.from(text);
    },
    async [Symbol.asyncDispose]() {},
  };
}
