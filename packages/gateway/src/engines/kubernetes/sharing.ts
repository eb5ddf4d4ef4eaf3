import { Fault } from '@paddock/protocol';
import type { Claim, Delay, Kept, Observer, SandboxName, Shared } from '../engine.ts';
import { isApiError } from './api/client.ts';
import type { Claiming } from './claiming.ts';
import type { Cluster } from './cluster.ts';
import type { Leadership } from './leadership.ts';
import { madeFromAnnotation } from './names.ts';
import type { Troubles } from './troubles.ts';
import type { View } from './view.ts';
import { wayOut } from './ways-out.ts';

export interface SharingOptions {
  readonly cluster: Cluster;
  readonly view: View;
  readonly claiming: Claiming;
  readonly leadership: Leadership;
  readonly troubles: Troubles;
}

/** What gateways that share a namespace know of its sandboxes, each like the others. */
export class Sharing implements Shared {
  readonly #options: SharingOptions;
  #listing: Promise<readonly Kept[]> | undefined;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  observe(observer: Observer): void {
    this.#options.view.observe(observer);
  }

  async find(name: SandboxName): Promise<Kept | undefined> {
    const { claiming, view } = this.#options;
    const sandbox = await unavailable(claiming.readSandbox(name));
    const sight = sandbox && view.see(sandbox);
    return sight?.is === 'kept' ? sight.kept : undefined;
  }

  async findById(id: string): Promise<readonly Kept[]> {
    this.#listing ??= unavailable(this.#readAll()).finally(() => {
      this.#listing = undefined;
    });
    return (await this.#listing).filter((kept) => kept.id === id);
  }

  get isLeader(): boolean {
    return this.#options.leadership.holds;
  }

  isSandbox(address: string): boolean {
    return this.#options.view.hasAddress(address);
  }

  get templates(): readonly string[] {
    return [...this.#options.cluster.namedPools.keys()];
  }

  delayOf({ name, template }: Claim): Delay | undefined {
    const reason = this.#options.troubles.of(name, template);
    return reason === undefined ? undefined : { reason, hint: wayOut(reason) };
  }

  isOutdated(name: SandboxName): boolean {
    const { cluster, view } = this.#options;
    const sandbox = cluster.sandboxes.get(name);
    const pod = sandbox && view.podOf(sandbox);
    const madeFrom = pod?.metadata.annotations?.[madeFromAnnotation];
    if (sandbox === undefined || madeFrom === undefined) return false; // An older release claimed it.
    const pool = cluster.poolOf(sandbox.spec.template);
    const { templateHash } = pool;
    return templateHash !== undefined && templateHash !== madeFrom && pool.free().length > 0;
  }

  async #readAll(): Promise<readonly Kept[]> {
    const { cluster, view } = this.#options;
    await cluster.sandboxes.refresh();
    return view.list();
  }
}

const roleHint = "Give the gateways' service account the Role of docker/k8s/sandbox-service.yaml.";

/** @throws {Fault} `engine_unavailable` when the API server did not answer. */
async function unavailable<T>(question: Promise<T>): Promise<T> {
  try {
    return await question;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The cluster that keeps the sandboxes cannot be asked; nothing ran. It says: ${reason}`;
    const headers = { 'retry-after': '1' };
    const hint = isApiError(cause, 401, 403) ? roleHint : undefined;
    throw new Fault('engine_unavailable', message, { cause, headers, ...(hint && { hint }) });
  }
}
