/** Where the guide is followed: a cluster of the test's own, or the one that E2E_KUBECONFIG names. */
import { join } from 'node:path';
import { type Cluster, endCluster, startCluster } from '../../cluster/cluster.ts';
import { run } from '../../cluster/command.ts';
import { buildImage } from '../../cluster/images.ts';
import { lock } from '../../cluster/lock.ts';
import { pushPaddockImages } from '../../cluster/paddock-images.ts';
import { environment } from '../setup.ts';

/** A cluster, as a person's kubectl reaches it. Disposing of it ends it when it is the test's own. */
export interface Place extends AsyncDisposable {
  /** With kubectl on the PATH, and KUBECONFIG. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined for a cluster that somebody else runs. */
  readonly own?: Cluster;
  /** Runs kubectl; throws CommandFailed unless it succeeds. @returns what it printed */
  kubectl(...args: readonly string[]): Promise<string>;
  /** The same with an input. */
  apply(yaml: string): Promise<void>;
}

/** What the tests of the guide make and remove; a cluster of somebody else's must have none of it. */
const namespaces = ['deer-flow', 'guide-backend', 'guide-beside'].map((name) => `namespace/${name}`);
const ours = [...namespaces, 'persistentvolume/deer-flow-skills', 'crd/sandboxes.paddock.dev'];

/** How long a cluster of somebody else's may be in use by the other files of the guide. */
export const placeTimeoutMs = process.env.E2E_KUBECONFIG ? 1_800_000 : 300_000;

/**
 * Starts a cluster whose registry has the project's images and the one that the guide tries the network with. With
 * E2E_KUBECONFIG set takes that one, whose images are what setup.sh brings, once no other test file uses it.
 */
export async function openPlace(name: string): Promise<Place> {
  return process.env.E2E_KUBECONFIG ? await takePlace(process.env.E2E_KUBECONFIG) : await startPlace(name);
}

async function startPlace(name: string): Promise<Place> {
  const cluster = await startCluster({ name });
  try {
    const curl = 'docker.io/curlimages/curl:latest';
    const context = join(import.meta.dirname, '../../cluster/fixtures/toolbox');
    await Promise.all([
      pushPaddockImages(cluster),
      buildImage({ tag: curl, context }).then(() => cluster.pushImage(curl)),
    ]);
  } catch (error) {
    await endCluster(name);
    throw error;
  }
  return { ...commands(environment(cluster)), own: cluster, [Symbol.asyncDispose]: () => endCluster(name) };
}

async function takePlace(kubeconfig: string): Promise<Place> {
  const held = await lock('guide-cluster');
  const place = commands({ KUBECONFIG: kubeconfig, PATH: process.env.PATH ?? '' });
  try {
    const found = await place.kubectl('get', ...ours, '--ignore-not-found', '--output=name');
    if (found !== '')
      throw new Error(`the cluster of E2E_KUBECONFIG must not have ${found.trim()} before the test`);
  } catch (error) {
    await held[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ...place,
    [Symbol.asyncDispose]: async () => {
      try {
        await place.kubectl('delete', ...ours, '--ignore-not-found', '--timeout=120s');
      } finally {
        await held[Symbol.asyncDispose]();
      }
    },
  };
}

function commands(env: Readonly<Record<string, string>>): Pick<Place, 'env' | 'kubectl' | 'apply'> {
  const timeoutMs = 180_000;
  return {
    env,
    kubectl: async (...args) => (await run(['kubectl', ...args], { env, timeoutMs })).stdout,
    apply: async (yaml) => {
      await run(['kubectl', 'apply', '--filename=-'], { env, timeoutMs, input: yaml });
    },
  };
}
