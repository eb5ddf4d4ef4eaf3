/**
 * What a gateway asks of the API server of a real cluster. It runs where pods can be reached, and alone: the API server tells how
 * much it was asked, not by whom.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, startOn } from './kubernetes.calls.ts';
import { PoolNamespace } from './kubernetes.fixture.ts';

const namespace = new PoolNamespace(`questions-${Date.now()}`);

beforeAll(() => namespace.createReady(1));
afterAll(() => namespace[Symbol.asyncDispose]());

describe('a gateway of a cluster', () => {
  it('answers for what it knows without a question to the API server, and for what it does not after one', async () => {
    await using gateway = await startOn(namespace);
    await run(gateway, 'known', 'true');
    await gateway.connection.call('GET', '/api/sandboxes/known');
    const reads = () => namespace.requestCount({ verb: 'GET', resource: 'sandboxes' });
    const before = await reads();
    for (let i = 0; i < 20; i++) await gateway.connection.call('GET', '/api/sandboxes/known');
    expect((await reads()) - before).toBe(0);
    const { status } = await gateway.connection.send('GET', '/api/sandboxes/unknown');
    expect(status).toBe(404);
    expect((await reads()) - before).toBe(1);
  });
});
