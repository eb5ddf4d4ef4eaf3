/**
 * The Kubernetes engine on a real cluster. The cases stand in the other files named kubernetes.*.ts that kubernetes.config.ts
 * lists: they talk to pods, so they run in the network of the cluster's node, and are told here one by one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import * as z from 'zod/mini';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { sandboxImage, storedName } from '../cluster/paddock-images.ts';
import { imageVariable, kubeconfigVariable } from './kubernetes.fixture.ts';

const root = dirname(dirname(import.meta.dirname));

const report = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()) }),
      ),
    }),
  ),
});

const cluster = await startCluster({ name: `engine-${process.pid}` });
afterAll(() => cluster[Symbol.asyncDispose](), 60_000);

const files = await runOnNode(cluster);

describe('on a cluster', () => {
  for (const { assertionResults, status, message } of files) {
    for (const { fullName, status: outcome, failureMessages } of assertionResults) {
      it(fullName, () => {
        if (outcome !== 'passed') throw new Error(failureMessages.join('\n') || outcome);
      });
    }
    it('no fault outside of a case', () => {
      const hasFailedCase = assertionResults.some((result) => result.status !== 'passed');
      if (status !== 'passed' && !hasFailedCase) throw new Error(message);
    });
  }
});

/** Runs the cases where pods have addresses, and gives what came of each. */
async function runOnNode(on: Cluster) {
  const folder = mkdtempSync(join(tmpdir(), 'on-node-'));
  try {
    const results = join(folder, 'results.json');
    await on.pushImage(storedName(sandboxImage));
    // Only the network is the node's: the programs are those of this machine.
    const command = [
      ...[...on.enterNetwork(), 'vitest', 'run'],
      ...['--config', 'test/engine-contract/kubernetes.config.ts'],
      ...['--reporter=json', `--outputFile=${results}`],
    ];
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, [kubeconfigVariable]: on.nodeKubeconfig, [imageVariable]: sandboxImage },
    });
    await once(child, 'close');
    return report.parse(JSON.parse(readFileSync(results, 'utf8'))).testResults;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
