/** A sandbox for a new conversation: from the warm pool, and one that is started for it. */
import { randomUUID } from 'node:crypto';
import type { Connection } from '../../test/support/connection.ts';
import { type Gateway, startGateway } from '../../test/support/gateway.ts';
import { untilIdle } from '../idle.ts';
import { type Contest, type Row, timed } from '../row.ts';
import { startOurs } from './start.ts';

/** Longer than a warm server waits between its start and its last preparations. */
export const claimQuietMs = 1300;

export const claimRows: readonly Row[] = [
  { name: 'claim, warm beside cold', unit: 'ms', runs: 10, block: 1, target: 0.1, limit: 10, prepare: warm },
  { name: 'claim, cold beside a start', unit: 'ms', runs: 15, block: 1, target: 2, prepare: cold },
];

async function warm(): Promise<Contest> {
  await using resources = new AsyncDisposableStack();
  const filled = resources.use(await startGateway({ PADDOCK_WARM_SANDBOXES: '2' }));
  const empty = resources.use(await startEmpty());
  const kept = resources.move();
  return {
    ours: () => timeRested(filled),
    baseline: () => timeClaim(empty.connection),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function cold(): Promise<Contest> {
  const empty = await startEmpty();
  return {
    ours: () => timeClaim(empty.connection),
    baseline: startOurs,
    [Symbol.asyncDispose]: () => empty[Symbol.asyncDispose](),
  };
}

/** A gateway that has no warm sandbox: it starts with one to see that it can. */
async function startEmpty(): Promise<Gateway> {
  await using resources = new AsyncDisposableStack();
  const gateway = resources.use(await startGateway({ PADDOCK_WARM_SANDBOXES: '0' }));
  await timeClaim(gateway.connection);
  resources.move();
  return gateway;
}

/** Of a full pool at rest. */
async function timeRested({ child, connection }: Gateway): Promise<number> {
  await untilIdle(child.pid, claimQuietMs);
  return await timeClaim(connection);
}

/** Claims and releases; only the claim is on the clock. */
async function timeClaim(connection: Connection): Promise<number> {
  const id = randomUUID();
  const tookMs = await timed(() => connection.call('POST', '/api/sandboxes', { sandbox_id: id }));
  await connection.call('DELETE', `/api/sandboxes/${id}`);
  return tookMs;
}
