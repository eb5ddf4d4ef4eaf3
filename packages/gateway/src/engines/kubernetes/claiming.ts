import { randomBytes } from 'node:crypto';
import { Fault } from '@paddock/protocol';
import type { Claim, Mount } from '../engine.ts';
import { ApiError, isApiError } from './api/client.ts';
import type { Cluster } from './cluster.ts';
import { claimPatch, coldPod, sandboxOf } from './manifests.ts';
import { type Deployment, type Pod, podSchema, type Sandbox, sandboxSchema } from './objects.ts';
import { podMounts } from './pod-mounts.ts';
import { belongsTo, endOf, isUnclaimed } from './pods.ts';

/** What a claim does when no pod of the pool is free. */
export type PoolPolicy = 'cold' | 'wait' | 'fail';

/** A Sandbox and the pod that is its own. The pod may be starting. */
export interface Joined {
  readonly sandbox: Sandbox;
  readonly pod: Pod;
  /** Somebody else had joined them. */
  readonly adopted: boolean;
}

export interface ClaimingOptions {
  readonly cluster: Cluster;
  readonly policy: PoolPolicy;
  /** Folders of nodes below which everything may be mounted. */
  readonly mountRoots: readonly string[];
  /** Whether a Sandbox had a pod: one without is then over, and not in the making. */
  readonly wasJoined: (sandbox: Sandbox) => boolean;
}

/** Races are lost to somebody who got on: so many in a row are a fault of ours. */
const triesLimit = 50;

/**
 * Gives Sandboxes their pods. The API server is the only lock: a Sandbox's name exists once, and both objects are only
 * changed as they were read. A gateway that ends in the middle leaves what any other completes.
 */
export class Claiming {
  readonly #options: ClaimingOptions;

  constructor(options: ClaimingOptions) {
    this.#options = options;
  }

  /**
   * The Sandbox of that name with its pod: a new one, or the one that is there.
   *
   * @throws {Fault} `pool_empty`.
   * @throws {ApiError}
   */
  async claim(claim: Claim, signal: AbortSignal): Promise<Joined> {
    const { cluster } = this.#options;
    let known = cluster.sandboxes.get(claim.name);
    for (let tries = 0; tries < triesLimit; tries++) {
      signal.throwIfAborted();
      if (known === undefined || known.metadata.deletionTimestamp !== undefined) {
        const made = await this.#make(claim, signal);
        if (made) return made;
        known = await this.readSandbox(claim.name);
        continue;
      }
      const joined = await this.join(known, signal);
      if (joined) return { ...joined, adopted: true };
      await cluster.deleteSandbox(known);
      known = undefined;
    }
    throw new Error(`the claim of ${claim.name} never came to an end`);
  }

  /**
   * Sees to it that a Sandbox has a pod, from whatever state it is in.
   *
   * @returns undefined when it had one that is gone: it is over.
   */
  async join(from: Sandbox, signal: AbortSignal): Promise<{ sandbox: Sandbox; pod: Pod } | undefined> {
    const { cluster, wasJoined, policy } = this.#options;
    let sandbox: Sandbox | undefined = from;
    for (let tries = 0; tries < triesLimit; tries++) {
      signal.throwIfAborted();
      if (sandbox === undefined || sandbox.metadata.deletionTimestamp !== undefined) return undefined;
      const { podName } = sandbox.spec;
      const pod: Pod | undefined =
        podName === undefined ? undefined : (cluster.pods.get(podName) ?? (await this.#readPod(podName)));
      if (pod && belongsTo(pod, sandbox)) return endOf(pod) === undefined ? { sandbox, pod } : undefined;
      if (wasJoined(sandbox)) return undefined;
      // Whoever made the Sandbox may be about to take the pod that it names. We then do the same, and one of us is
      // refused. Another pod is named only where that one cannot be taken any more, by anyone.
      if (pod && isUnclaimed(pod)) await this.#patchPod(pod, sandbox);
      else if (podName !== undefined && pod === undefined && (policy === 'cold' || this.#hasMounts(sandbox)))
        await this.#createPod(sandbox, podName);
      else sandbox = await this.#pointToAnother(sandbox, signal);
    }
    throw new Error(`the Sandbox ${from.metadata.name} never got a pod`);
  }

  /** @throws {Fault} `sandbox_failed` while there is none. */
  get #deployment(): Deployment {
    const { deployment, deploymentName } = this.#options.cluster;
    if (deployment) return deployment;
    throw new Fault('sandbox_failed', `there is no Deployment ${deploymentName} to make sandboxes from`);
  }

  /** Reads a Sandbox where it is kept. */
  async readSandbox(name: string): Promise<Sandbox | undefined> {
    const { cluster } = this.#options;
    const found = await absent(
      cluster.client.call(sandboxSchema, { path: `${cluster.paths.sandboxes}/${name}` }),
    );
    if (found) cluster.sandboxes.put(found);
    return found;
  }

  /** @returns undefined when the name is taken. */
  async #make(claim: Claim, signal: AbortSignal): Promise<Joined | undefined> {
    const { cluster } = this.#options;
    const choice = await this.#choose(claim.mounts, signal);
    try {
      const body = sandboxOf(claim, choice.name, this.#deployment, Date.now());
      const path = cluster.paths.sandboxes;
      const sandbox = await taken(cluster.client.call(sandboxSchema, { method: 'POST', path, body }));
      if (!sandbox) return undefined;
      cluster.sandboxes.put(sandbox);
      try {
        if (choice.kind === 'free') await this.#patchPod(choice.pod, sandbox);
        else await this.#createPod(sandbox, choice.name);
        const joined = await this.join(sandbox, signal);
        if (joined) return { ...joined, adopted: false };
        throw new Fault('sandbox_failed', 'the pod of the sandbox ended before it served');
      } catch (error) {
        await cluster.deleteSandbox(sandbox);
        throw error;
      }
    } finally {
      if (choice.kind === 'free') cluster.putBack(choice.pod.metadata.uid);
    }
  }

  /** A pod that runs cannot get a volume any more: who wants some gets a new one, whatever the pool has. */
  async #choose(mounts: readonly Mount[] = [], signal: AbortSignal) {
    const { cluster, mountRoots } = this.#options;
    const needsNew = podMounts(mounts, mountRoots).volumeMounts.length > 0;
    const policy = needsNew ? 'cold' : this.#options.policy;
    const pod = needsNew ? undefined : cluster.takePod();
    if (pod) return { kind: 'free', name: pod.metadata.name, pod } as const;
    switch (policy) {
      case 'cold': {
        const name = `${cluster.deploymentName}-cold-${randomBytes(5).toString('hex')}`;
        return { kind: 'cold', name } as const;
      }
      case 'wait': {
        const freed = await cluster.pods.until(() => cluster.takePod(), signal);
        return { kind: 'free', name: freed.metadata.name, pod: freed } as const;
      }
      case 'fail':
        throw new Fault('pool_empty', undefined, { headers: { 'retry-after': '2' } });
    }
  }

  /** One that has changed meanwhile is read again: that may have been its status only. */
  async #patchPod(pod: Pod, sandbox: Sandbox): Promise<void> {
    const { cluster } = this.#options;
    const body = claimPatch(pod, sandbox, Date.now());
    const path = `${cluster.paths.pods}/${pod.metadata.name}`;
    try {
      cluster.pods.put(await cluster.client.call(podSchema, { method: 'PATCH', path, body }));
    } catch (error) {
      if (!isApiError(error, 404, 409, 422)) throw error;
      await this.#readPod(pod.metadata.name);
    }
  }

  async #createPod(sandbox: Sandbox, name: string): Promise<void> {
    const { cluster } = this.#options;
    const mounts = podMounts(sandbox.spec.mounts ?? [], this.#options.mountRoots);
    const body = coldPod(sandbox, name, this.#deployment, mounts, Date.now());
    try {
      const call = cluster.client.call(podSchema, { method: 'POST', path: cluster.paths.pods, body });
      const made = await taken(call);
      if (made) cluster.pods.put(made);
      else await this.#readPod(name);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Fault('sandbox_failed', `no pod could be made: ${error.message}`, { cause: error });
    }
  }

  #hasMounts({ spec }: Sandbox): boolean {
    return podMounts(spec.mounts ?? [], this.#options.mountRoots).volumeMounts.length > 0;
  }

  async #pointToAnother(sandbox: Sandbox, signal: AbortSignal): Promise<Sandbox | undefined> {
    const choice = await this.#choose(sandbox.spec.mounts, signal);
    try {
      return await this.#point(sandbox, choice.name);
    } finally {
      if (choice.kind === 'free') this.#options.cluster.putBack(choice.pod.metadata.uid);
    }
  }

  /** Names another pod in a Sandbox, as it was read. */
  async #point(sandbox: Sandbox, podName: string): Promise<Sandbox | undefined> {
    const { cluster } = this.#options;
    const { name, resourceVersion } = sandbox.metadata;
    const path = `${cluster.paths.sandboxes}/${name}`;
    const body = { metadata: { resourceVersion }, spec: { podName } };
    try {
      const pointed = await cluster.client.call(sandboxSchema, { method: 'PATCH', path, body });
      cluster.sandboxes.put(pointed);
      return pointed;
    } catch (error) {
      if (!isApiError(error, 404, 409)) throw error;
      return this.readSandbox(name);
    }
  }

  async #readPod(name: string): Promise<Pod | undefined> {
    const { cluster } = this.#options;
    const found = await absent(cluster.client.call(podSchema, { path: `${cluster.paths.pods}/${name}` }));
    if (found) cluster.pods.put(found);
    else {
      const known = cluster.pods.get(name);
      if (known) cluster.pods.drop(name, known.metadata.uid);
    }
    return found;
  }
}

/** Undefined for what is not there. */
async function absent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

/** Undefined for a create whose name is taken. */
async function taken<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isApiError(error, 409) && error.reason === 'AlreadyExists') return undefined;
    throw error;
  }
}
