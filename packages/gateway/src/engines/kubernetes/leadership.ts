import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import * as z from 'zod/mini';
import { type ApiClient, isApiError } from './api/client.ts';
import { leaseName } from './names.ts';

export interface LeadershipOptions {
  readonly client: ApiClient;
  /** Of the leases of the namespace. */
  readonly path: string;
  /** This gateway's name among all. */
  readonly identity: string;
  readonly log: Logger;
}

const leaseSeconds = 15;
const renewEveryMs = 5_000;
/** A leader that could not renew for so long takes itself for none, well before another may take over. */
const trustMs = 10_000;

const leaseSchema = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  spec: z.object({
    holderIdentity: z.optional(z.string()),
    leaseTransitions: z.optional(z.number()),
    renewTime: z.optional(z.string()),
  }),
});
type Lease = z.output<typeof leaseSchema>;

/** Which of the gateways leads: the one that holds the Lease. */
export class Leadership implements AsyncDisposable {
  readonly #options: LeadershipOptions;
  readonly #closed = new AbortController();
  #renewedMs = Number.NEGATIVE_INFINITY;
  /** The Lease as another held it, and since when it has not changed by our own clock: clocks of machines differ. */
  #observed = { version: '', sinceMs: 0 };
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Whether this gateway leads now. */
  get holds(): boolean {
    return performance.now() - this.#renewedMs < trustMs;
  }

  /** Runs for it until disposed of. */
  start(): void {
    this.#running = this.#run();
  }

  /** Gives the Lease up, so that another gateway leads at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    await this.#running;
    if (!this.holds) return;
    this.#renewedMs = Number.NEGATIVE_INFINITY;
    try {
      const lease = await this.#read();
      if (lease?.spec.holderIdentity === this.#options.identity) await this.#write(lease, '');
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the lease could not be given up; it ends by itself');
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      const led = this.holds;
      try {
        await this.#try();
      } catch (error) {
        if (!signal.aborted) this.#options.log.warn({ err: error }, 'the lease could not be renewed');
      }
      if (led !== this.holds)
        this.#options.log.info({ leads: this.holds }, 'leadership of the gateways changed');
      // Not all at once: gateways that start together would meet at every turn.
      const pauseMs = renewEveryMs * (this.holds ? 0.8 : 0.5 + Math.random());
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  async #try(): Promise<void> {
    const { identity } = this.#options;
    const askedMs = performance.now();
    const lease = await this.#read();
    if (lease && lease.spec.holderIdentity !== identity && !this.#hasLapsed(lease)) return;
    try {
      await this.#write(lease, identity);
      this.#renewedMs = askedMs;
    } catch (error) {
      if (!isApiError(error, 409)) throw error; // Another was faster.
    }
  }

  #hasLapsed({ metadata: { resourceVersion }, spec }: Lease): boolean {
    if (!spec.holderIdentity) return true;
    const now = performance.now();
    if (this.#observed.version !== resourceVersion)
      this.#observed = { version: resourceVersion, sinceMs: now };
    return now - this.#observed.sinceMs > leaseSeconds * 1000;
  }

  async #read(): Promise<Lease | undefined> {
    const { client, path } = this.#options;
    try {
      return await client.call(leaseSchema, { path: `${path}/${leaseName}` });
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  async #write(lease: Lease | undefined, holderIdentity: string): Promise<void> {
    const { client, path } = this.#options;
    const now = new Date().toISOString().replace('Z', '000Z'); // A MicroTime.
    const isNew = lease?.spec.holderIdentity !== holderIdentity;
    const spec = {
      holderIdentity,
      leaseDurationSeconds: leaseSeconds,
      renewTime: now,
      ...(isNew && { acquireTime: now, leaseTransitions: (lease?.spec.leaseTransitions ?? 0) + 1 }),
    };
    const metadata = { name: leaseName, resourceVersion: lease?.metadata.resourceVersion };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    if (lease) await client.call(leaseSchema, { method: 'PATCH', path: `${path}/${leaseName}`, body });
    else await client.call(leaseSchema, { method: 'POST', path, body });
  }
}
