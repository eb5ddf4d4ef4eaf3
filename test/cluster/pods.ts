/** Pods as the tests of the cluster need them: made of few words, waited for, explained when they do not come. */
import type { Cluster } from './cluster.ts';

/** What differs from a pod that runs a shell script in the toolbox. */
export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly image?: string;
  /** What the shell runs; default: nothing, for an hour. */
  readonly script?: string;
  /** More of the pod's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** More of the container. */
  readonly container?: Readonly<Record<string, unknown>>;
}

/** The image that pods run unless they say otherwise. */
export const toolbox = 'toolbox:cluster';

/** A pod that ends at once when it is told to. */
export function pod(name: string, options: PodOptions = {}) {
  const script = options.script ?? 'sleep 3600';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name, ...options.labels } },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 0,
      ...options.spec,
      containers: [
        {
          name: 'main',
          image: options.image ?? toolbox,
          command: ['sh', '-c', script],
          ...options.container,
        },
      ],
    },
  };
}

/** Creates or changes objects. */
export async function apply(cluster: Cluster, ...objects: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await cluster.kubectlRun(['apply', '--filename=-'], { input: JSON.stringify(list) });
}

/** Starts pods and waits until they are ready; throws with what the cluster says of them when they are not in time. */
export async function startPods(cluster: Cluster, ...pods: readonly ReturnType<typeof pod>[]): Promise<void> {
  await apply(cluster, ...pods);
  const names = pods.map(({ metadata }) => `pod/${metadata.name}`);
  try {
    await cluster.kubectlRun(['wait', '--for=condition=Ready', '--timeout=60s', ...names]);
  } catch (error) {
    throw new Error(await cluster.kubectlRun(['describe', ...names]), { cause: error });
  }
}

/** Runs a shell script in a pod. @returns what it printed, with how it ended when that was not well */
export async function inPod(cluster: Cluster, name: string, script: string): Promise<string> {
  const command = `( ${script}\n) 2>&1 || echo "exit code $?"`;
  return (await cluster.kubectlRun(['exec', name, '--', 'sh', '-c', command], { timeoutMs: 60_000 })).trim();
}
