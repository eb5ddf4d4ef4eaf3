import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import { isApiError } from './api/client.ts';
import type { Cluster } from './cluster.ts';
import { controlledBy } from './manifests.ts';
import { sandboxLabel, touchedAnnotation } from './names.ts';
import { podSchema, replicaSetSchema, type Sandbox, sandboxSchema } from './objects.ts';
import type { Pool } from './pool.ts';
import type { Troubles } from './troubles.ts';
import type { View } from './view.ts';

export interface SweeperOptions {
  readonly cluster: Cluster;
  readonly view: View;
  readonly troubles: Troubles;
  readonly log: Logger;
  readonly isLeader: () => boolean;
  /** Gives a Sandbox a pod. */
  readonly complete: (sandbox: Sandbox) => Promise<void>;
  /** Deletes a Sandbox and what is left of its pod. */
  readonly end: (sandbox: Sandbox) => Promise<void>;
}

const sweepEveryMs = 1_000;

/** A Sandbox without a pod may be in the making for so long. */
const makingLimitMs = 5_000;

/** A controller whose creations were refused waits up to a quarter of an hour before the next: it is told to look again. */
const touchEveryMs = 5_000;

/**
 * What the leader sees to, besides the fleet's own reaping: it completes what a gateway left half made, or what was declared, puts
 * away what is over, and makes claimed pods their Sandbox's in full.
 */
export class Sweeper implements Disposable {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;
  /** When the pools were last touched, by the names of their Deployments. */
  readonly #touchedMs = new Map<string, number>();
  /** Why Sandboxes could not be given a pod at the last try, by their UIDs. */
  readonly #failures = new Map<string, string>();
  /** Since when a Sandbox has been without a pod, by its UID. */
  readonly #lackingSince = new Map<string, number>();
  readonly #working = new Set<string>();

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#sweep(), sweepEveryMs).unref();
  }

  /** A sandbox was released: the pool may have room now that it had not. */
  released(): void {
    this.#touchedMs.clear();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping || !this.#options.isLeader()) return;
    this.#sweeping = true;
    try {
      const sandboxes = this.#options.cluster.sandboxes.all();
      const known = new Set(sandboxes.map(({ metadata }) => metadata.uid));
      for (const kept of [this.#lackingSince, this.#failures])
        for (const uid of kept.keys()) if (!known.has(uid)) kept.delete(uid);
      for (const sandbox of sandboxes) this.#judge(sandbox);
      for (const pool of this.#options.cluster.pools)
        await this.#work(`pool ${pool.name}`, () => this.#touch(pool));
    } finally {
      this.#sweeping = false;
    }
  }

  #judge(sandbox: Sandbox): void {
    const { uid, deletionTimestamp } = sandbox.metadata;
    if (deletionTimestamp !== undefined) return;
    const { view, end } = this.#options;
    const sight = view.see(sandbox);
    if (sight.is === 'misnamed') {
      if (sandbox.status?.phase !== 'Invalid')
        void this.#work(uid, () => this.#refuse(sandbox, sight.reason));
      return;
    }
    if (isExpired(sandbox) || sight.is === 'over') {
      void this.#work(uid, () => end(sandbox));
      return;
    }
    if (view.podOf(sandbox)) {
      this.#lackingSince.delete(uid);
      this.#failures.delete(uid);
      if (sandbox.status?.phase !== 'Bound') void this.#work(uid, () => this.#settle(sandbox));
      else void this.#work(`${uid} status`, () => this.#tell(sandbox, {}));
      return;
    }
    void this.#work(`${uid} status`, () => this.#tell(sandbox, { phase: 'Pending' }));
    const sinceMs = this.#lackingSince.get(uid);
    const isDeclared = sandbox.spec.podName === undefined;
    if (sinceMs === undefined) this.#lackingSince.set(uid, Date.now());
    const isDue = sinceMs === undefined ? isDeclared : Date.now() - sinceMs >= makingLimitMs;
    if (!isDue) return;
    this.#lackingSince.set(uid, Date.now()); // Until the next try.
    void this.#work(uid, () => this.#complete(sandbox));
  }

  async #complete(sandbox: Sandbox): Promise<void> {
    const { uid } = sandbox.metadata;
    try {
      await this.#options.complete(sandbox);
      this.#failures.delete(uid);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const isNew = this.#failures.get(uid) !== error.message;
      this.#failures.set(uid, error.message);
      if (isNew) this.#options.log.warn({ err: error, sandbox: sandbox.metadata.name }, 'it gets no pod');
    }
  }

  /** Writes down what keeps a Sandbox from serving, for whoever looks at it with kubectl. */
  async #tell(sandbox: Sandbox, status: { readonly phase?: string }): Promise<void> {
    const { metadata, spec } = sandbox;
    const reason =
      this.#failures.get(metadata.uid) ?? this.#options.troubles.of(metadata.name, spec.template);
    if (reason === sandbox.status?.reason) return;
    await this.#writeStatus(sandbox, { ...status, reason: reason ?? null });
  }

  /**
   * Makes the Sandbox the controller of its pod, once the ReplicaSet has let go of it, and writes down that it is bound and
   * which pods are its own: eviction and disruption budgets ask for both.
   */
  async #settle(sandbox: Sandbox): Promise<void> {
    const { cluster, view } = this.#options;
    const pod = view.podOf(sandbox);
    const references = pod?.metadata.ownerReferences ?? [];
    const hasOther = references.some(
      ({ controller, uid }) => controller === true && uid !== sandbox.metadata.uid,
    );
    if (!pod || hasOther) return; // Its ReplicaSet lets go of it in a moment.
    const { name, resourceVersion } = pod.metadata;
    if (!references.some(({ controller }) => controller === true)) {
      const body = { metadata: { resourceVersion, ownerReferences: controlledBy(sandbox, references) } };
      const path = `${cluster.paths.pods}/${name}`;
      cluster.pods.put(await cluster.client.call(podSchema, { method: 'PATCH', path, body }));
    }
    const selector = `${sandboxLabel}=${sandbox.metadata.name}`;
    await this.#writeStatus(sandbox, {
      phase: 'Bound',
      reason: null,
      replicas: 1,
      selector,
      podUid: pod.metadata.uid,
    });
  }

  /** Tells whoever declared a Sandbox that no request can ever be for it. */
  async #refuse(sandbox: Sandbox, reason: string): Promise<void> {
    await this.#writeStatus(sandbox, { phase: 'Invalid', reason });
  }

  async #writeStatus({ metadata }: Sandbox, status: object): Promise<void> {
    const { cluster } = this.#options;
    const path = `${cluster.paths.sandboxes}/${metadata.name}/status`;
    cluster.sandboxes.put(
      await cluster.client.call(sandboxSchema, { method: 'PATCH', path, body: { status } }),
    );
  }

  async #touch({ name, newestReplicaSet: newest }: Pool): Promise<void> {
    const { cluster } = this.#options;
    if (!newest || newest.status.replicas >= (newest.spec.replicas ?? 1)) return;
    if (Date.now() - (this.#touchedMs.get(name) ?? 0) < touchEveryMs) return;
    this.#touchedMs.set(name, Date.now());
    const path = `${cluster.paths.replicaSets}/${newest.metadata.name}`;
    const body = { metadata: { annotations: { [touchedAnnotation]: new Date().toISOString() } } };
    await cluster.client.call(replicaSetSchema, { method: 'PATCH', path, body });
  }

  /** One piece of work for a thing at a time. What fails is tried again at the next sweep. */
  async #work(key: string, work: () => Promise<void>): Promise<void> {
    if (this.#working.has(key)) return;
    this.#working.add(key);
    try {
      await work();
    } catch (error) {
      if (!isApiError(error, 404, 409)) this.#options.log.error({ err: error }, 'a sweep failed');
    } finally {
      this.#working.delete(key);
    }
  }
}

function isExpired({ spec }: Sandbox): boolean {
  return spec.expiresAt !== undefined && Date.parse(spec.expiresAt) <= Date.now();
}
