/** A namespace with a pool of sandboxes in it, and engines that run there as gateways do. */
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import * as z from 'zod/mini';
import {
  ApiClient,
  ClusterKeys,
  findAccess,
  KubernetesEngine,
  type PoolPolicy,
} from '../../packages/gateway/src/engines/kubernetes/index.ts';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { soleOwner } from '../../packages/gateway/src/trust/index.ts';
import type { EngineSource } from './engine-under-test.ts';
import { manifests, type PoolOptions, poolManifest } from './kubernetes.manifests.ts';

/** What the inner run is told, by variables of this environment. */
export const kubeconfigVariable = 'ENGINE_TEST_KUBECONFIG';
export const imageVariable = 'ENGINE_TEST_IMAGE';

/** A namespace of its own in the cluster of the environment. */
export class PoolNamespace implements AsyncDisposable {
  readonly name: string;
  readonly client = new ApiClient(findAccess(required(kubeconfigVariable)));

  constructor(name: string) {
    this.name = name;
  }

  /** Makes the namespace, and the pool as docker/k8s has it but for image and skills. */
  async create(replicas: number): Promise<void> {
    const [, definition] = manifests('namespace.yaml');
    await this.#post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: this.name } };
    await this.#post('/api/v1/namespaces', namespace);
    await this.#untilServed();
    await this.addPool({ replicas });
  }

  /** The same, and waits until its pods are ready. */
  async createReady(replicas: number): Promise<void> {
    await this.create(replicas);
    const { engine } = await this.openEngine(); // Makes the keys that pods wait for.
    await engine[Symbol.asyncDispose]();
    await this.untilFree(replicas);
  }

  /** Makes another pool, such as that of a template. */
  async addPool(options: Partial<PoolOptions>): Promise<void> {
    const image = required(imageVariable);
    const pool = poolManifest({ replicas: 1, image, ...options, namespace: this.name });
    await this.#post(`/apis/apps/v1/namespaces/${this.name}/deployments`, pool);
  }

  /** Makes whatever else of the core group. */
  async add(resource: string, body: object): Promise<void> {
    await this.#post(`/api/v1/namespaces/${this.name}/${resource}`, body);
  }

  async deletePool(name: string): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${this.name}/deployments/${name}`;
    await this.client.call(z.unknown(), { method: 'DELETE', path });
  }

  /** Changes the template of the pool's pods, as a new image does, and waits until all of them are new and ready. */
  async rollOut(): Promise<void> {
    const before = new Set((await this.#pods(ofPool)).map(({ metadata }) => metadata.name));
    const annotations = { 'example.com/changed': new Date().toISOString() };
    await this.changePool({ template: { metadata: { annotations } } });
    for (let tries = 0; tries < 600; tries++) {
      const pods = await this.#pods(ofPool);
      if (pods.every((pod) => isReady(pod) && !before.has(pod.metadata.name))) return;
      await delay(100);
    }
    throw new Error('the pool has not been replaced in a minute');
  }

  /** Changes the size of the pool. */
  async scale(replicas: number): Promise<void> {
    await this.changePool({ replicas });
  }

  /** Changes fields of the pool's Deployment. */
  async changePool(spec: object): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${this.name}/deployments/deer-flow-sandbox`;
    await this.client.call(z.unknown(), { method: 'PATCH', path, body: { spec } });
  }

  /** Waits until the pool has no pod any more. */
  async untilEmpty(): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if ((await this.#pods(ofPool)).length === 0) return;
      await delay(100);
    }
    throw new Error('the pool has not come to an end in half a minute');
  }

  /** Waits until at least so many pods are free, for an engine that claims from a pool. */
  async untilFree(count: number): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      const items = await this.#pods(ofPool);
      if (items.filter(isReady).length >= count) return;
      await delay(100);
    }
    throw new Error(`the pool has not come to ${count} ready pods in a minute`);
  }

  /** Names of pods that wait to be claimed. */
  async freePods(): Promise<string[]> {
    const found = await this.#pods(`${ofPool},!paddock.dev/sandbox`);
    return found.map(({ metadata }) => metadata.name);
  }

  /** Names of pods that are a sandbox's. */
  async claimedPods(): Promise<string[]> {
    const found = await this.#pods('paddock.dev/sandbox');
    return found
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  }

  /** What the API has of a pod's owners. */
  async ownersOf(pod: string): Promise<readonly unknown[]> {
    const path = `/api/v1/namespaces/${this.name}/pods/${pod}`;
    const schema = z.object({ metadata: z.object({ ownerReferences: z.array(z.unknown()) }) });
    return (await this.client.call(schema, { path })).metadata.ownerReferences;
  }

  /** Ids of the public keys that pods see. */
  async publicKeyIds(): Promise<string[]> {
    const path = `/api/v1/namespaces/${this.name}/configmaps/paddock-keys`;
    const schema = z.object({ data: z.object({ 'public.json': z.string() }) });
    const { data } = await this.client.call(schema, { path });
    return Object.keys(z.record(z.string(), z.string()).parse(JSON.parse(data['public.json'])));
  }

  async deletePod(name: string): Promise<void> {
    const path = `/api/v1/namespaces/${this.name}/pods/${name}`;
    await this.client.call(z.unknown(), { method: 'DELETE', path });
  }

  /** Writes a Sandbox as a person does, or as a gateway does that dies afterwards. */
  async declare(
    id: string,
    more: { readonly podName?: string | undefined; readonly template?: string } = {},
    name: string = sandboxName(soleOwner, id),
  ): Promise<void> {
    const spec = { id, owner: soleOwner, ...more };
    const body = { apiVersion: 'paddock.dev/v1alpha1', kind: 'Sandbox', metadata: { name }, spec };
    await this.client.call(z.unknown(), { method: 'POST', path: this.#sandboxes, body });
  }

  /** The Sandboxes that there are. */
  async sandboxes() {
    const { items } = await this.client.call(z.object({ items: z.array(sandboxShape) }), {
      path: this.#sandboxes,
    });
    return items.map(({ spec, status = {} }) => ({ ...spec, ...status }));
  }

  async sandbox(id: string) {
    const found = (await this.sandboxes()).find((sandbox) => sandbox.id === id);
    if (!found) throw new Error(`there is no Sandbox of id ${id}`);
    return found;
  }

  /** How many requests of a kind the API server has answered since it started, for anyone. */
  async requestCount({ verb, resource }: { verb: string; resource: string }): Promise<number> {
    let count = 0;
    const signal = AbortSignal.timeout(10_000);
    for await (const line of this.client.lines({ path: '/metrics' }, signal)) {
      const isAsked =
        line.startsWith('apiserver_request_total{') &&
        line.includes(`resource="${resource}"`) &&
        line.includes(`verb="${verb}"`);
      if (isAsked) count += Number(line.slice(line.lastIndexOf(' ')));
    }
    return count;
  }

  get #sandboxes(): string {
    return `/apis/paddock.dev/v1alpha1/namespaces/${this.name}/sandboxes`;
  }

  async #pods(labelSelector: string) {
    const path = `/api/v1/namespaces/${this.name}/pods`;
    return (await this.client.call(podList, { path, query: { labelSelector } })).items;
  }

  /** A gateway's engine, with the keys that it shares with all others. */
  async openEngine(options: { poolPolicy?: PoolPolicy; identity?: string; startLimitMs?: number } = {}) {
    const { poolPolicy = 'cold', identity = `test-${Math.random()}`, startLimitMs } = options;
    const client = new ApiClient(findAccess(required(kubeconfigVariable)));
    const log = pino({ level: process.env.ENGINE_TEST_LOG ?? 'silent' });
    const namespace = this.name;
    const config = {
      namespace,
      deployment: 'deer-flow-sandbox',
      poolPolicy,
      mountRoots: [],
      templates: {},
      ...(startLimitMs !== undefined && { startLimitMs }),
    };
    const engine = new KubernetesEngine({ client, log, identity, config });
    const isLeader = () => engine.shared.isLeader;
    const keys = await ClusterKeys.open({ client, log, namespace, rotateAfterSeconds: 0, isLeader });
    const end = engine[Symbol.asyncDispose].bind(engine);
    engine[Symbol.asyncDispose] = async () => {
      await end();
      keys[Symbol.dispose]();
      client[Symbol.dispose]();
    };
    return { engine, key: keys.key };
  }

  /** Deletes every sandbox. Their pods end in their own time: nothing is theirs any more. */
  async clear(): Promise<void> {
    await this.client.call(z.unknown(), { method: 'DELETE', path: this.#sandboxes });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.call(z.unknown(), { method: 'DELETE', path: `/api/v1/namespaces/${this.name}` });
    this.client[Symbol.dispose]();
  }

  async #post(path: string, body: unknown): Promise<void> {
    try {
      await this.client.call(z.unknown(), { method: 'POST', path, body });
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('already exists'))) throw error;
    }
  }

  /** A kind of object that was just defined is served a moment later. */
  async #untilServed(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.client.call(z.unknown(), { path: this.#sandboxes });
        return;
      } catch (error) {
        if (tries >= 100) throw error;
        await delay(100);
      }
    }
  }
}

/** Engines on one namespace, whose sandboxes end with the source. */
export async function sourceIn(namespace: PoolNamespace): Promise<EngineSource> {
  return {
    async open() {
      const opened = await namespace.openEngine();
      await namespace.untilFree(freeAtFirst);
      return opened;
    },
    [Symbol.asyncDispose]: () => namespace.clear(),
  };
}

/** How many sandboxes wait in the pool of the tests, while nobody takes any. */
export const poolSize = 4;

/** How many wait when a case begins. More are on their way, so that cases need not wait for each other's. */
const freeAtFirst = 2;

/** What pods have that wait to be claimed. */
const ofPool = 'app=deer-flow-sandbox,!paddock.dev/template,pod-template-hash';

const podList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.optional(z.string()) }),
      status: z.object({
        conditions: z.optional(z.array(z.object({ type: z.string(), status: z.string() }))),
      }),
    }),
  ),
});

type ListedPod = z.output<typeof podList>['items'][number];

function isReady({ metadata, status }: ListedPod): boolean {
  const ready = status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True');
  return ready === true && metadata.deletionTimestamp === undefined;
}

const sandboxShape = z.object({
  spec: z.object({
    id: z.string(),
    podName: z.optional(z.string()),
    expiresAt: z.optional(z.string()),
  }),
  status: z.optional(z.object({ phase: z.optional(z.string()), reason: z.optional(z.string()) })),
});

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are run by kubernetes.cluster.ts`);
  return value;
}
