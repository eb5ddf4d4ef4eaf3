import type { Logger } from 'pino';
import { type ApiClient, isApiError } from './api/client.ts';
import { Mirror } from './api/mirror.ts';
import { deletion } from './manifests.ts';
import { type Paths, pathsOf, templateLabel } from './names.ts';
import {
  anything,
  type Deployment,
  deploymentSchema,
  type Pod,
  podSchema,
  replicaSetSchema,
  type Sandbox,
  sandboxSchema,
} from './objects.ts';
import { Pool } from './pool.ts';

export interface ClusterOptions {
  readonly client: ApiClient;
  readonly log: Logger;
  readonly namespace: string;
  /**
   * The Deployment whose pods are the pool of sandboxes without a template. All pods of sandboxes have its name as their label
   * `app`: network policies, gateways and people know them by that.
   */
  readonly deployment: string;
}

/** What is in the namespace now, kept in step by watches. */
export class Cluster implements Disposable {
  readonly client: ApiClient;
  readonly paths: Paths;
  readonly deploymentName: string;
  readonly pods: Mirror<typeof podSchema>;
  readonly sandboxes: Mirror<typeof sandboxSchema>;
  readonly #replicaSets: Mirror<typeof replicaSetSchema>;
  readonly #deployments: Mirror<typeof deploymentSchema>;
  /** Those that are pools of templates. */
  readonly #named: Mirror<typeof deploymentSchema>;
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
    const deployments = { client, log, path: paths.deployments, schema: deploymentSchema };
    const unnamed = { fieldSelector: `metadata.name=${deployment}` };
    this.#deployments = new Mirror({ ...deployments, query: unnamed });
    this.#named = new Mirror({ ...deployments, query: { labelSelector: templateLabel } });
  }

  /** @throws {ApiError} when something cannot be listed. */
  async start(): Promise<void> {
    const deployments = [this.#deployments.start(), this.#named.start()];
    await Promise.all([...deployments, this.#replicaSets.start(), this.pods.start()]);
    // Last: what they own is known then.
    await this.sandboxes.start();
  }

  /** The pool of sandboxes that name no template. */
  get unnamedPool(): Pool {
    const found = this.#deployments.get(this.deploymentName);
    const isThere = found?.metadata.deletionTimestamp === undefined;
    return this.#poolOf(this.deploymentName, isThere ? found : undefined);
  }

  /** The pools of templates that have one of their own, by the templates' names. */
  get namedPools(): ReadonlyMap<string, Pool> {
    const pools = new Map<string, Pool>();
    for (const deployment of this.#named.all()) {
      const { name, labels, deletionTimestamp } = deployment.metadata;
      const template = labels?.[templateLabel];
      if (template && deletionTimestamp === undefined) pools.set(template, this.#poolOf(name, deployment));
    }
    return pools;
  }

  get pools(): readonly Pool[] {
    return [this.unnamedPool, ...this.namedPools.values()];
  }

  /** The pool that sandboxes of a template come from; one without a pool of its own has that of all. */
  poolOf(template: string | undefined): Pool {
    return (template !== undefined && this.namedPools.get(template)) || this.unnamedPool;
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

  #poolOf(name: string, deployment: Deployment | undefined): Pool {
    return new Pool(name, deployment, {
      pods: this.pods,
      replicaSets: this.#replicaSets,
      taken: this.#taken,
    });
  }

  [Symbol.dispose](): void {
    for (const mirror of [this.pods, this.sandboxes, this.#replicaSets, this.#deployments, this.#named])
      mirror[Symbol.dispose]();
  }
}
