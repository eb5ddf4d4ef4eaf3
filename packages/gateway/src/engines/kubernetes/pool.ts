import type { Mirror } from './api/mirror.ts';
import { templateHashLabel } from './names.ts';
import type { Deployment, Pod, podSchema, ReplicaSet, replicaSetSchema } from './objects.ts';
import { isFree, isReady } from './pods.ts';

/** What the pools of a namespace share. */
export interface PoolSources {
  readonly pods: Mirror<typeof podSchema>;
  readonly replicaSets: Mirror<typeof replicaSetSchema>;
  /** Pods that a claim of this gateway is about to take. */
  readonly taken: Set<string>;
}

const revisionAnnotation = 'deployment.kubernetes.io/revision';

/** The pods of one Deployment, which wait to be claimed. */
export class Pool {
  /** Of its Deployment. */
  readonly name: string;
  /** Its Deployment, while there is one. */
  readonly deployment: Deployment | undefined;
  readonly #sources: PoolSources;

  constructor(name: string, deployment: Deployment | undefined, sources: PoolSources) {
    this.name = name;
    this.deployment = deployment;
    this.#sources = sources;
  }

  /** What makes new pods for it. */
  get newestReplicaSet(): ReplicaSet | undefined {
    const { deployment } = this;
    const own = this.#sources.replicaSets
      .all()
      .filter(({ metadata }) =>
        metadata.ownerReferences?.some(({ uid }) => uid === deployment?.metadata.uid),
      );
    return own.sort((a, b) => revisionOf(b) - revisionOf(a))[0];
  }

  /** What the template that new pods are made from is known by. */
  get templateHash(): string | undefined {
    return this.newestReplicaSet?.metadata.labels?.[templateHashLabel];
  }

  /** Ready pods that nobody has claimed. None while pods are being taken away: which, only their controller knows. */
  free(): Pod[] {
    const newest = this.newestReplicaSet;
    if (!newest || newest.status.replicas > (newest.spec.replicas ?? 1)) return [];
    return this.#unclaimed(newest).filter(isReady);
  }

  /** Pods that are to become free. */
  starting(): Pod[] {
    const newest = this.newestReplicaSet;
    return newest ? this.#unclaimed(newest).filter((pod) => !isReady(pod)) : [];
  }

  /**
   * One of the free pods, for a claim of this gateway alone until it is put back. At random: gateways that took the oldest
   * would all take the same.
   */
  take(): Pod | undefined {
    const { taken } = this.#sources;
    const free = this.free().filter(({ metadata }) => !taken.has(metadata.uid));
    const pod = free[Math.floor(Math.random() * free.length)];
    if (pod) taken.add(pod.metadata.uid);
    return pod;
  }

  #unclaimed({ metadata }: ReplicaSet): Pod[] {
    return this.#sources.pods.all().filter((pod) => isFree(pod, metadata.uid));
  }
}

function revisionOf({ metadata }: ReplicaSet): number {
  return Number(metadata.annotations?.[revisionAnnotation] ?? 0);
}
