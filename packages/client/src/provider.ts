import { createHash, randomBytes } from 'node:crypto';
import type { ConnectionOptions } from './connection.ts';
import type { CallOptions } from './exchange.ts';
import { Gateway } from './gateway.ts';
import { Sandbox } from './sandbox.ts';

/** What the `sandbox` section of an agent backend's config.yaml says. */
export interface ProviderOptions extends Omit<ConnectionOptions, 'baseUrl'> {
  /** The gateway. */
  readonly baseUrl?: string | undefined;
  /** The provisioner API where it has an address of its own: its answers say where each sandbox is. */
  readonly provisionerUrl?: string | undefined;
}

/**
 * Gives each conversation of an agent backend its own sandbox. The id of a conversation's sandbox follows from the
 * conversation alone, so that every process of a backend finds the same one.
 */
export class AioSandboxProvider implements AsyncDisposable {
  readonly #options: ProviderOptions;
  readonly #gateway: Gateway;
  readonly #sandboxes = new Map<string, Sandbox>();

  /** @throws TypeError when a URL is no http or https URL. */
  constructor(options: ProviderOptions = {}) {
    this.#options = options;
    this.#gateway = new Gateway({ ...options, baseUrl: options.provisionerUrl ?? options.baseUrl });
  }

  /**
   * Makes the sandbox of a conversation, or finds it, and gives its id. Without a conversation it is a new one each time.
   *
   * @throws PaddockError
   */
  async acquire(threadId?: string, options?: CallOptions): Promise<string> {
    const id = idOf(threadId);
    const isNameable = threadId !== undefined && /^[A-Za-z0-9_-]{1,64}$/.test(threadId);
    const { sandbox_url } = await this.#gateway.sandboxes.create(
      { sandbox_id: id, ...(isNameable && { thread_id: threadId }) },
      options,
    );
    const { baseUrl, provisionerUrl, ...connection } = this.#options;
    const sandbox =
      provisionerUrl === undefined
        ? Sandbox.at({ ...connection, baseUrl, id })
        : new Sandbox({ ...connection, baseUrl: sandbox_url });
    this.#sandboxes.set(id, sandbox);
    return id;
  }

  /** The sandbox of an id that this provider has acquired and not released. */
  get(id: string): Sandbox | undefined {
    return this.#sandboxes.get(id);
  }

  /**
   * Ends a sandbox, all that runs in it, and deletes its files. Once it is gone this does nothing.
   *
   * @throws PaddockError
   */
  async release(id: string, options?: CallOptions): Promise<void> {
    this.#sandboxes.delete(id);
    await this.#gateway.sandboxes.release({ sandbox_id: id }, options);
  }

  /**
   * Releases every sandbox that this provider has acquired.
   *
   * @throws AggregateError when some could not be released.
   */
  async shutdown(options?: CallOptions): Promise<void> {
    const released = await Promise.allSettled(
      Array.from(this.#sandboxes.keys(), (id) => this.release(id, options)),
    );
    const failures = released.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `${failures.length} of ${released.length} sandboxes were not released`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

function idOf(threadId: string | undefined): string {
  if (threadId === undefined) return randomBytes(8).toString('hex');
  return createHash('sha256').update(threadId).digest('hex').slice(0, 16);
}
