import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import type {
  Claim,
  Claimed,
  Engine,
  Kept,
  LogOptions,
  Notes,
  Readiness,
  SandboxName,
  Server,
} from '../engine.ts';
import { Turns } from '../turns.ts';
import { type ApiClient, isApiError } from './api/client.ts';
import { Claiming, type Joined, type PoolPolicy } from './claiming.ts';
import { Cluster } from './cluster.ts';
import { Leadership } from './leadership.ts';
import { podLog } from './log.ts';
import { type Pod, type Sandbox, sandboxSchema } from './objects.ts';
import { podMounts } from './pod-mounts.ts';
import { belongsTo, delayOf, endOf, isReady } from './pods.ts';
import { setupErrorOf } from './setup-error.ts';
import { Sharing } from './sharing.ts';
import { Sweeper } from './sweeper.ts';
import { Troubles } from './troubles.ts';
import { View } from './view.ts';
import { wayOut } from './ways-out.ts';

export interface KubernetesEngineOptions {
  readonly client: ApiClient;
  readonly config: {
    readonly namespace: string;
    /** The Deployment whose pods are the warm pool. */
    readonly deployment: string;
    readonly poolPolicy: PoolPolicy;
    /** Folders of nodes below which everything may be mounted. */
    readonly mountRoots: readonly string[];
    /** Kinds of sandboxes that the configuration knows; those of Deployments are found in the cluster. */
    readonly templates: Readonly<Record<string, unknown>>;
    /** How long a new pod may take to serve; ten minutes when absent, for an image of gigabytes may have to be pulled. */
    readonly startLimitMs?: number;
  };
  /** This gateway's name among all. */
  readonly identity: string;
  readonly log: Logger;
}

const usualStartLimitMs = 600_000;

/** So often it is seen why a pod does not serve, while somebody waits for it. */
const lookEveryMs = 1_000;

/** So long a release, or the end of the gateway, waits for a claim that has begun; then it ends it. */
const claimPatienceMs = 5_000;

/** What a pod gets to end by itself, and how long its end is waited for. */
const podGraceSeconds = 2;
const podEndLimitMs = 40_000;

/** Sandboxes as pods of a cluster. The pods of a Deployment are the warm pool; the API server keeps all there is to know. */
export class KubernetesEngine implements Engine {
  readonly #cluster: Cluster;
  readonly #view: View;
  readonly #claiming: Claiming;
  readonly #leadership: Leadership;
  readonly #sweeper: Sweeper;
  readonly #options: KubernetesEngineOptions;
  readonly #turns = new Turns<SandboxName>();
  readonly #claims = new Map<SandboxName, AbortController>();
  /** Its servers work as long as those that were started before do: a cold start would, too. */
  #hasServed = false;
  readonly #troubles: Troubles;
  readonly #startLimitMs: number;
  #closing = false;
  readonly facts: Readonly<Record<string, string>>;
  readonly shared: Sharing;

  constructor(options: KubernetesEngineOptions) {
    const { client, log, config, identity } = options;
    this.#options = options;
    this.#cluster = new Cluster({ client, log, ...config });
    const view = new View(this.#cluster);
    const troubles = new Troubles({ cluster: this.#cluster, view, policy: config.poolPolicy, log });
    this.#view = view;
    this.#troubles = troubles;
    this.#startLimitMs = config.startLimitMs ?? usualStartLimitMs;
    this.#claiming = new Claiming({
      cluster: this.#cluster,
      policy: config.poolPolicy,
      mountRoots: config.mountRoots,
      templates: Object.keys(config.templates),
      troubleOf: (pool) => troubles.ofPool(pool),
      wasJoined: (sandbox) => view.wasJoined(sandbox),
    });
    this.#leadership = new Leadership({ client, path: this.#cluster.paths.leases, identity, log });
    this.#sweeper = new Sweeper({
      cluster: this.#cluster,
      view,
      troubles,
      log,
      isLeader: () => this.#leadership.holds,
      complete: (sandbox) => this.#complete(sandbox),
      end: (sandbox) => this.#end(sandbox),
    });
    this.facts = {
      engine: 'kubernetes',
      isolation: 'pods',
      limits: 'of the pods',
      network: 'of the pods',
      namespace: config.namespace,
      deployment: config.deployment,
    };
    this.shared = new Sharing({
      cluster: this.#cluster,
      view,
      claiming: this.#claiming,
      leadership: this.#leadership,
      troubles,
    });
  }

  async start(): Promise<void> {
    try {
      await this.#cluster.start();
    } catch (error) {
      throw setupErrorOf(error, this.#options.config.namespace);
    }
    this.#leadership.start();
    this.#sweeper.start();
  }

  async claim(claim: Claim): Promise<Claimed> {
    if (this.#closing) throw new Fault('sandbox_failed', 'the gateway is stopping');
    return this.#turns.take(claim.name, () => this.#claim(claim));
  }

  async #claim(claim: Claim): Promise<Claimed> {
    const over = new AbortController();
    this.#claims.set(claim.name, over);
    const tooLate = AbortSignal.timeout(this.#startLimitMs);
    const signal = AbortSignal.any([over.signal, tooLate]);
    const looking = setInterval(() => this.shared.delayOf(claim), lookEveryMs).unref();
    try {
      const joined = await this.#claiming.claim(claim, signal);
      const server = await this.#serverOf(joined, signal);
      const sight = this.#view.see(joined.sandbox);
      if (sight.is !== 'kept') throw new Error(`it ended at once: ${sight.reason}`);
      this.#hasServed = true;
      const { mounts = [] } = joined.sandbox.spec;
      const warnings = podMounts(mounts, this.#options.config.mountRoots).leftOut;
      return { ...sight.kept, server, warnings, adopted: joined.adopted };
    } catch (error) {
      if (error instanceof Fault) throw error;
      const isLate = error === tooLate.reason;
      const said = error instanceof Error ? error.message : String(error);
      const reason = isLate ? (this.shared.delayOf(claim)?.reason ?? this.#poolInWords(claim)) : said;
      throw new Fault('sandbox_failed', `the sandbox could not be started: ${reason}`, {
        cause: error,
        ...(tooLate.aborted && { hint: wayOut(reason) }),
      });
    } finally {
      clearInterval(looking);
      this.#claims.delete(claim.name);
    }
  }

  /** The server of a pod once it serves. A pod that never does is put away with its Sandbox. */
  async #serverOf({ sandbox, pod: { metadata }, adopted }: Joined, signal: AbortSignal): Promise<Server> {
    const { pods } = this.#cluster;
    const current = (): Pod | undefined => {
      const pod = pods.get(metadata.name);
      return pod?.metadata.uid === metadata.uid ? pod : undefined;
    };
    try {
      return await pods.until(() => {
        const pod = current();
        const end = pod ? endOf(pod) : 'its pod is gone';
        if (end !== undefined) throw new Error(end);
        return pod && isReady(pod) ? this.#view.serverOf(pod) : undefined;
      }, signal);
    } catch (error) {
      const pod = current();
      const delay = pod && signal.aborted ? (this.#troubles.ofPod(pod) ?? delayOf(pod)) : undefined;
      // When we are stopping, another gateway goes on with it.
      if (!adopted && !this.#closing) await this.#end(sandbox);
      throw delay === undefined ? error : new Error(delay, { cause: error });
    }
  }

  async annotate(name: SandboxName, notes: Notes): Promise<void> {
    const { client, paths, sandboxes } = this.#cluster;
    const path = `${paths.sandboxes}/${name}`;
    const body = [{ op: 'add', path: '/spec/notes', value: notes }];
    try {
      sandboxes.put(await client.call(sandboxSchema, { method: 'PATCH', path, body }));
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
    }
  }

  async *logs(name: SandboxName, options: LogOptions): AsyncGenerator<string> {
    const sandbox = this.#cluster.sandboxes.get(name);
    const pod = sandbox && this.#view.podOf(sandbox);
    if (sandbox && pod) yield* podLog({ cluster: this.#cluster, sandbox, pod }, options);
  }

  list(): readonly Kept[] {
    return this.#view.list();
  }

  async release(name: SandboxName): Promise<void> {
    const claim = this.#claims.get(name);
    const impatience = setTimeout(() => claim?.abort(new Error('it was released')), claimPatienceMs);
    try {
      await this.#turns.take(name, async () => {
        const sandbox = this.#cluster.sandboxes.get(name) ?? (await this.#claiming.readSandbox(name));
        if (sandbox) await this.#end(sandbox);
      });
    } finally {
      clearTimeout(impatience);
    }
  }

  /** Deletes a Sandbox and its pod, and waits until the pod is gone. */
  async #end(sandbox: Sandbox): Promise<void> {
    const { pods } = this.#cluster;
    const own = pods.all().filter((pod) => belongsTo(pod, sandbox));
    // The Sandbox first: whoever asks for its name from now on makes another, whatever becomes of us.
    await this.#cluster.deleteSandbox(sandbox);
    await Promise.all(
      own.map(async (pod) => {
        const { metadata } = pod;
        await this.#cluster.deletePod(pod, podGraceSeconds);
        const isGone = () => pods.get(metadata.name)?.metadata.uid !== metadata.uid || undefined;
        try {
          await pods.until(isGone, AbortSignal.timeout(podEndLimitMs));
        } catch {
          this.#options.log.warn({ pod: metadata.name }, 'the pod of a released sandbox is still there');
        }
      }),
    );
    this.#sweeper.released();
  }

  /** Gives a Sandbox its pod that a gateway left without, or that somebody declared. */
  async #complete(sandbox: Sandbox): Promise<void> {
    await this.#turns.take(sandbox.metadata.name as SandboxName, async () => {
      await this.#claiming.join(sandbox, AbortSignal.timeout(this.#startLimitMs));
    });
  }

  readiness(): Readiness {
    const pool = this.#cluster.unnamedPool;
    const [free] = pool.free();
    const probe = free && this.#view.serverOf(free);
    if (probe) return { ready: true, probe };
    const trouble = this.#troubles.ofPool(pool);
    if (trouble === undefined && this.#options.config.poolPolicy === 'cold') {
      const claimed = this.list().find(({ server }) => server)?.server;
      if (this.#hasServed || claimed) return { ready: true, probe: claimed };
    }
    return { ready: false, reason: `no pod of the pool is ready (${trouble ?? this.#poolInWords({})})` };
  }

  /** What the pool of a template does while nothing is wrong with it. */
  #poolInWords({ template }: Pick<Claim, 'template'>): string {
    const pool = this.#cluster.poolOf(template);
    const [starting] = pool.starting();
    if (starting) return `pod ${starting.metadata.name}: ${delayOf(starting)}`;
    const size = pool.deployment?.spec.replicas ?? 1;
    return size === 0 ? `the Deployment ${pool.name} is scaled to 0` : `all pods of ${pool.name} are taken`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#sweeper[Symbol.dispose]();
    const impatience = setTimeout(() => {
      for (const claim of this.#claims.values()) claim.abort(new Error('the gateway is stopping'));
    }, claimPatienceMs);
    await this.#turns.all();
    clearTimeout(impatience);
    await this.#leadership[Symbol.asyncDispose]();
    this.#view[Symbol.dispose]();
    this.#cluster[Symbol.dispose]();
  }
}
