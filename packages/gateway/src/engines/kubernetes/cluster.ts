import type { Logger } from 'pino';
import { type ApiClient, isApiError } from './api/client.ts';
import { Mirror } from './api/mirror.ts';
import { deletion } from './manifests.ts';
import { type Paths, pathsOf } from './names.ts';
import {
  anything,
  type Deployment,
  deploymentSchema,
  type Pod,
  podSchema,
  type ReplicaSet,
  replicaSetSchema,
  type Sandbox,
  sandboxSchema,
} from './objects.ts';
import { isFree, isReady } from './pods.ts';

export interface ClusterOptions {
  readonly client: ApiClient;
  readonly log: Logger;
  readonly namespace: string;
  /** The Deployment whose pods are the pool. Its pods, and those that were claimed of them, have it as their label `app`. */
  readonly deployment: string;
}

const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** What is in the namespace now, kept in step by watches. */
export class Cluster implements Disposable {
  readonly client: ApiClient;
  readonly paths: Paths;
  readonly deploymentName: string;
  readonly pods: Mirror<typeof podSchema>;
  readonly sandboxes: Mirror<typeof sandboxSchema>;
  readonly #replicaSets: Mirror<typeof replicaSetSchema>;
  readonly #deployments: Mirror<typeof deploymentSchema>;
  /** Pods that a claim of this gateway is about to take. */
  readonly #taken = new Set<string>();

  constructor({ client, log, namespace, deployment }: ClusterOptions) {
    this.client = client;
    this.paths = pathsOf(namespace);
    this.deploymentName = deployment;
    const { paths } = this;
    const ofPool = { labelSelector: `app=${deployment}` };
    this.pods = new Mirror({ client, log, path: paths.pods, query: ofPool, schema: podSchema });
    this.sandboxes = new Mirror({ client, log, path: paths.sandboxes, schema: sandboxSchema });
    this.#replicaSets = new Mirror({
      client,
      log,
      path: paths.replicaSets,
      query: ofPool,
      schema: replicaSetSchema,
    });
    this.#deployments = new Mirror({
      client,
      log,
      path: paths.deployments,
      query: { fieldSelector: `metadata.name=${deployment}` },
      schema: deploymentSchema,
    });
  }

  /** @throws {ApiError} when something cannot be listed. */
  async start(): Promise<void> {
    await Promise.all([this.#deployments.start(), this.#replicaSets.start(), this.pods.start()]);
    // Last: what they own is known then.
    await this.sandboxes.start();
  }

  /** The Deployment whose pods are the pool, while there is one. */
  get deployment(): Deployment | undefined {
    const found = this.#deployments.get(this.deploymentName);
    return found?.metadata.deletionTimestamp === undefined ? found : undefined;
  }

  /** What makes new pods for the pool. */
  get newestReplicaSet(): ReplicaSet | undefined {
    const { deployment } = this;
    const own = this.#replicaSets
      .all()
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === deployment?.metadata.uid),
      );
    return own.sort((a, b) => revisionOf(b) - revisionOf(a))[0];
  }

  /** Ready pods that nobody has claimed. None while pods are being taken away: which, only their controller knows. */
  freePods(): Pod[] {
    const newest = this.newestReplicaSet;
    if (!newest || newest.status.replicas > (newest.spec.replicas ?? 1)) return [];
    return this.pods.all().filter((pod) => isFree(pod, newest.metadata.uid) && isReady(pod));
  }

  /**
   * One of the free pods, for a claim of this gateway alone until it is put back. At random: gateways that took the oldest
   * would all take the same.
   */
  takePod(): Pod | undefined {
    const free = this.freePods().filter(({ metadata }) => !this.#taken.has(metadata.uid));
    const pod = free[Math.floor(Math.random() * free.length)];
    if (pod) this.#taken.add(pod.metadata.uid);
    return pod;
  }

  putBack(uid: string): void {
    this.#taken.delete(uid);
  }

  /** Deletes a pod, if it is still that one. */
  async deletePod({ metadata: { name, uid } }: Pod, graceSeconds: number): Promise<void> {
    await this.#delete(`${this.paths.pods}/${name}`, deletion(uid, graceSeconds));
  }

  /** Deletes a Sandbox, if it is still that one. */
  async deleteSandbox({ metadata: { name, uid } }: Sandbox): Promise<void> {
    await this.#delete(`${this.paths.sandboxes}/${name}`, deletion(uid));
    this.sandboxes.drop(name, uid);
  }

  async #delete(path: string, body: object): Promise<void> {
    try {
      await this.client.call(anything, { method: 'DELETE', path, body });
    } catch (error) {
      if (!isApiError(error, 404, 409)) throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const mirror of [this.pods, this.sandboxes, this.#replicaSets, this.#deployments])
      mirror[Symbol.dispose]();
  }
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}
