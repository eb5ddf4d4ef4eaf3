/** What is run on the node of a cluster: kubernetes.cluster.ts starts it there. */
import { defineConfig } from 'vitest/config';

const shared = { pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 } as const;

/** Each file has a namespace of its own, and most of what they do is to wait for pods. */
const together = ['contract', 'gateways', 'lives', 'pools'];

export default defineConfig({
  test: {
    maxWorkers: together.length,
    projects: [
      {
        test: {
          ...shared,
          name: 'together',
          include: together.map((name) => `test/engine-contract/kubernetes.${name}.ts`),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'alone',
          include: ['test/engine-contract/kubernetes.questions.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
