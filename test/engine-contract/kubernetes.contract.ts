/** The contract on a real cluster. It runs where pods can be reached: kubernetes.cluster.ts starts it there. */
import { afterAll, beforeAll } from 'vitest';
import { describeEngine } from './contract.ts';
import { PoolNamespace, poolSize, sourceIn } from './kubernetes.fixture.ts';

const namespace = new PoolNamespace(`contract-${Date.now()}`);

beforeAll(() => namespace.create(poolSize), 60_000);
afterAll(() => namespace[Symbol.asyncDispose]());

describeEngine('Kubernetes', () => sourceIn(namespace), {
  keepsServers: true,
  waiting: poolSize,
});
