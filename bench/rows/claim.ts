/** A sandbox for a new conversation: from the warm pool, beside one that is started for it. */
import { randomUUID } from 'node:crypto';
import { type Gateway, startGateway } from '../../test/support/gateway.ts';
import { untilIdle } from '../idle.ts';
import { type Contest, type Row, timed } from '../row.ts';

export const claimRows: readonly Row[] = [
  { name: 'claim, warm beside cold', unit: 'ms', runs: 20, block: 1, prepare },
];

async function prepare(): Promise<Contest> {
  await using resources = new AsyncDisposableStack();
  const warm = resources.use(await startGateway({ PADDOCK_WARM_SANDBOXES: '2' }));
  const cold = resources.use(await startGateway({ PADDOCK_WARM_SANDBOXES: '0' }));
  const kept = resources.move();
  return {
    ours: () => claim(warm),
    baseline: () => claim(cold),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Claims and releases; only the claim is on the clock, and the pool is full and at rest before it. */
async function claim({ child, connection }: Gateway): Promise<number> {
  await untilIdle(child.pid);
  const id = randomUUID();
  const tookMs = await timed(() => connection.call('POST', '/api/sandboxes', { sandbox_id: id }));
  await connection.call('DELETE', `/api/sandboxes/${id}`);
  return tookMs;
}
