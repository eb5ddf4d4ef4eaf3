/** docker/k8s/setup.sh against a cluster of the tests, as a person runs it. */
import { dirname, join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { type Finished, type RunOptions, runToEnd } from '../cluster/command.ts';

/** The guide's folder. */
export const guideFolder = join(import.meta.dirname, '../../docker/k8s');

/** The environment of a person whose kubectl points at the cluster. */
export function environment(cluster: Pick<Cluster, 'kubectl' | 'kubeconfig'>): Record<string, string> {
  return {
    PATH: `${dirname(cluster.kubectl)}:${process.env.PATH}`,
    KUBECONFIG: cluster.kubeconfig,
  };
}

/** Runs `./setup.sh ARGS` to its end, whatever that is. */
export function runSetup(
  cluster: Pick<Cluster, 'kubectl' | 'kubeconfig'>,
  args: readonly string[] = [],
  { env, ...options }: RunOptions = {},
): Promise<Finished> {
  return runToEnd(['./setup.sh', ...args], {
    cwd: guideFolder,
    timeoutMs: 240_000,
    ...options,
    env: { ...environment(cluster), ...env },
  });
}
