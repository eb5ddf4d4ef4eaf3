import type { Logger } from 'pino';
import type { PoolPolicy } from './claiming.ts';
import type { Cluster } from './cluster.ts';
import { eventListSchema, type Pod } from './objects.ts';
import { inWords, isReady, troubleOf } from './pods.ts';
import type { Pool } from './pool.ts';
import type { View } from './view.ts';

export interface TroublesOptions {
  readonly cluster: Cluster;
  readonly view: View;
  /** Where it is `cold`, no sandbox waits for the pool. */
  readonly policy: PoolPolicy;
  readonly log: Logger;
}

/** What the events of a pod said when they were last asked for. */
interface Told {
  /** When the pod was first asked about. */
  readonly sinceMs: number;
  askedMs: number;
  warning: string | undefined;
}

/** The first attempts of a healthy pod may fail: no folder yet, no key yet, no answer yet. */
const usualStartMs = 3_000;
const usualProbesMs = 10_000;
const askEveryMs = 3_000;

/** Pods of one template fail alike: so many are looked at. */
const alikeLimit = 5;

/**
 * Why pods do not get ready: what their objects and their controllers' say, and where those are silent, as about volumes, their
 * events. Those are read while somebody wants to know, and not watched: clusters have many.
 */
export class Troubles {
  readonly #options: TroublesOptions;
  readonly #told = new Map<string, Told>();

  constructor(options: TroublesOptions) {
    this.#options = options;
  }

  /** What keeps the sandbox of a name and template from serving, whether it has a pod already or waits for one. */
  of(name: string, template: string | undefined): string | undefined {
    const { cluster, view, policy } = this.#options;
    const sandbox = cluster.sandboxes.get(name);
    const pod = sandbox && view.podOf(sandbox);
    if (pod) return this.ofPod(pod);
    return policy === 'cold' ? undefined : this.ofPool(cluster.poolOf(template));
  }

  /** What keeps a pod from serving; undefined while it only takes its time. Ask again while it does: events come late. */
  ofPod(pod: Pod): string | undefined {
    const { uid } = pod.metadata;
    if (isReady(pod)) {
      this.#told.delete(uid);
      return undefined;
    }
    const nowMs = performance.now();
    const told = this.#told.get(uid) ?? { sinceMs: nowMs, askedMs: 0, warning: undefined };
    this.#told.set(uid, told);
    if (nowMs - told.sinceMs >= usualStartMs && nowMs - told.askedMs >= askEveryMs) {
      told.askedMs = nowMs;
      void this.#ask(pod, told);
    }
    const trouble = troubleOf(pod) ?? told.warning;
    return trouble && `pod ${pod.metadata.name}: ${trouble}`;
  }

  /** What keeps a pool from having a free pod; undefined while that only takes its time. */
  ofPool(pool: Pool): string | undefined {
    const { deployment, newestReplicaSet: newest, name } = pool;
    if (!deployment) return `there is no Deployment ${name}`;
    if (deployment.spec.replicas === 0 && this.#options.policy !== 'cold')
      return `the Deployment ${name} is scaled to 0`;
    const refused = newest?.status.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (refused?.status === 'True') return `no pod can be made: ${inWords(refused)}`;
    for (const pod of pool.starting().slice(0, alikeLimit)) {
      const trouble = this.ofPod(pod);
      if (trouble !== undefined) return trouble;
    }
    return undefined;
  }

  /** Reads what happened to a pod last: a warning that others came after is over. */
  async #ask({ metadata: { name, uid } }: Pod, told: Told): Promise<void> {
    const { log, cluster } = this.#options;
    const { client, paths, pods } = cluster;
    for (const known of this.#told.keys())
      if (!pods.all().some(({ metadata }) => metadata.uid === known)) this.#told.delete(known);
    try {
      const query = { fieldSelector: `involvedObject.uid=${uid}` };
      const { items } = await client.call(eventListSchema, { path: paths.events, query });
      const version = (event: (typeof items)[number]) => BigInt(event.metadata.resourceVersion);
      const [latest] = items.sort((a, b) => (version(a) < version(b) ? 1 : -1));
      const isUsual = latest?.reason === 'Unhealthy' && performance.now() - told.sinceMs < usualProbesMs;
      told.warning = latest?.type === 'Warning' && !isUsual ? inWords(latest) : undefined;
    } catch (error) {
      log.warn({ err: error, pod: name }, 'the events of a pod cannot be read');
    }
  }
}
