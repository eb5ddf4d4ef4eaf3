/** Promises about Kubernetes, each file on a real cluster of its own. They are a part of `make test`. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default defineConfig({
  test: {
    ...base.test,
    include: ['test/**/*.cluster.ts'],
    globalSetup: [...(base.test?.globalSetup ?? []), 'test/cluster/prepare.ts'],
    // Until a cluster is there, and its pods.
    hookTimeout: 300_000,
    testTimeout: 60_000,
  },
});
