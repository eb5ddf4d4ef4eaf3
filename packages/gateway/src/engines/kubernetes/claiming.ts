import { randomBytes } from 'node:crypto';
import { Fault } from '@paddock/protocol';
import type { Claim } from '../engine.ts';
import { ApiError, isApiError } from './api/client.ts';
import type { Cluster } from './cluster.ts';
import { claimPatch, coldPod, sandboxOf } from './manifests.ts';
import { templateLabel } from './names.ts';
import { type Deployment, type Pod, podSchema, type Sandbox, sandboxSchema } from './objects.ts';
import { podMounts } from './pod-mounts.ts';
import { belongsTo, endOf, isUnclaimed } from './pods.ts';
import type { Pool } from './pool.ts';
import { wayOut } from './ways-out.ts';

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
  /** Templates that need no pool of their own, since the configuration knows them. */
  readonly templates: readonly string[];
  /** What keeps a pool from having a free pod. */
  readonly troubleOf: (pool: Pool) => string | undefined;
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

  /**
   * What sandboxes of a template are made from.
   *
   * @throws {Fault} `sandbox_failed` while that cannot be had.
   */
  #source(template: string | undefined): { pool: Pool; deployment: Deployment } {
    const { cluster, templates } = this.#options;
    if (template !== undefined && !templates.includes(template) && !cluster.namedPools.has(template))
      throw failed(`there is no Deployment with the label ${templateLabel}=${template} to make it from`);
    const pool = cluster.poolOf(template);
    const { deployment } = pool;
    if (!deployment) throw failed(`there is no Deployment ${pool.name} to make sandboxes from`);
    if (deployment.spec.template.metadata?.labels?.app !== cluster.deploymentName)
      throw failed(
        `pods of the Deployment ${pool.name} are not labelled app=${cluster.deploymentName}, by which network policies know sandboxes`,
      );
    return { pool, deployment };
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
    const choice = await this.#choose(claim, signal);
    try {
      const { deployment } = this.#source(claim.template);
      const body = sandboxOf(claim, choice.name, deployment, Date.now());
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
  async #choose({ template, mounts = [] }: Pick<Claim, 'template' | 'mounts'>, signal: AbortSignal) {
    const { cluster, mountRoots, troubleOf } = this.#options;
    const { pool } = this.#source(template);
    const needsNew = podMounts(mounts, mountRoots).volumeMounts.length > 0;
    const policy = needsNew ? 'cold' : this.#options.policy;
    const pod = needsNew ? undefined : pool.take();
    if (pod) return { kind: 'free', name: pod.metadata.name, pod } as const;
    switch (policy) {
      case 'cold': {
        const name = `${pool.name}-cold-${randomBytes(5).toString('hex')}`;
        return { kind: 'cold', name } as const;
      }
      case 'wait': {
        const freed = await cluster.pods.until(() => cluster.poolOf(template).take(), signal);
        return { kind: 'free', name: freed.metadata.name, pod: freed } as const;
      }
      case 'fail': {
        const trouble = troubleOf(pool);
        const headers = { 'retry-after': '2' };
        if (trouble === undefined) throw new Fault('pool_empty', undefined, { headers });
        const message = `No sandbox of the pool is ready, and poolPolicy is "fail": ${trouble}`;
        throw new Fault('pool_empty', message, { hint: wayOut(trouble), headers });
      }
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
    const { pool, deployment } = this.#source(sandbox.spec.template);
    const madeFrom = pool.templateHash;
    const body = coldPod({ sandbox, name, deployment, madeFrom, mounts, nowMs: Date.now() });
    try {
      const call = cluster.client.call(podSchema, { method: 'POST', path: cluster.paths.pods, body });
      const made = await taken(call);
      if (made) cluster.pods.put(made);
      else await this.#readPod(name);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw failed(`no pod could be made: ${error.message}`, error);
    }
  }

  #hasMounts({ spec }: Sandbox): boolean {
    return podMounts(spec.mounts ?? [], this.#options.mountRoots).volumeMounts.length > 0;
  }

  async #pointToAnother(sandbox: Sandbox, signal: AbortSignal): Promise<Sandbox | undefined> {
    const choice = await this.#choose(sandbox.spec, signal);
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

function failed(message: string, cause?: unknown): Fault {
  return new Fault('sandbox_failed', message, { hint: wayOut(message), cause });
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
