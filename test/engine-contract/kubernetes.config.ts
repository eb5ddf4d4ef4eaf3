/** What is run on the node of a cluster: kubernetes.cluster.ts starts it there. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/engine-contract/kubernetes.{contract,gateways}.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
