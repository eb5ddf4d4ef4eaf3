import type { Config } from '@paddock/config';
import type { Logger } from 'pino';
import type { Claim } from '../engine.ts';
import type { SandboxFolder } from './folder.ts';
import { setupOf } from './kinds.ts';
import { Mounts } from './mounts.ts';
import { WarmPool, type WarmServer } from './pool.ts';
import { ServerProcess, type ServerSetup } from './server-process.ts';

export interface PoolsOptions {
  readonly config: Pick<Config, 'dataDir' | 'warmSandboxes' | 'templates' | 'mountRoots'>;
  /** Where new folders are made. */
  readonly parent: string;
  readonly log: Logger;
}

/** A server for a sandbox, and what was asked for and is not so, each in a sentence. */
export interface Started extends WarmServer {
  readonly warnings: readonly string[];
  readonly hasMounts: boolean;
}

/** Where servers come from: a pool for each template and one for claims that name none. */
export class Pools {
  /** The one of claims that name no template. */
  readonly unnamed: WarmPool;
  readonly #named: ReadonlyMap<string, WarmPool>;
  readonly #setup: ServerSetup;
  readonly #options: PoolsOptions;

  /** @throws {SetupError} when a template cannot be had here. */
  constructor(setup: ServerSetup, options: PoolsOptions) {
    const { config, parent, log } = options;
    this.#setup = setup;
    this.#options = options;
    this.unnamed = new WarmPool(setup, { parent, size: config.warmSandboxes, log });
    const named = Object.entries(config.templates).map(([name, template]) => {
      const pool = { parent, size: template.warmSandboxes ?? 0, log };
      return [name, new WarmPool(setupOf(name, template, setup, options), pool)] as const;
    });
    this.#named = new Map(named);
  }

  /** A server for a new sandbox. With mounts it is a cold one: a server that runs cannot be given any. */
  async take(claim: Claim): Promise<Started> {
    using mounts = this.#admit(claim);
    const hasMounts = mounts.admitted.length > 0;
    const pool = this.#of(claim);
    const { server, folder } = hasMounts ? await pool.startCold(mounts) : await pool.take();
    return { server, folder, hasMounts, warnings: await this.#warnings(claim, folder, mounts) };
  }

  /** Takes back a server that did not become the sandbox's. */
  async giveBack(claim: Claim, { server, folder, hasMounts }: Started): Promise<void> {
    if (!hasMounts) return this.#of(claim).add({ server, folder });
    await server.stop();
    await folder.delete();
  }

  /** A server on the files of a sandbox that had one before. */
  async startAgain(claim: Claim, folder: SandboxFolder): Promise<Started> {
    using mounts = this.#admit(claim);
    const server = await ServerProcess.start(this.#of(claim).setup, folder, mounts);
    const hasMounts = mounts.admitted.length > 0;
    return { server, folder, hasMounts, warnings: await this.#warnings(claim, folder, mounts) };
  }

  /** Starts what is missing in all pools. */
  fill(): void {
    for (const pool of this.#all()) pool.fill();
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map((pool) => pool.close()));
  }

  #all(): WarmPool[] {
    return [this.unnamed, ...this.#named.values()];
  }

  /** The pool of a sandbox's kind; the unnamed one where the configuration has lost that kind since. */
  #of({ template }: Claim): WarmPool {
    return (template !== undefined && this.#named.get(template)) || this.unnamed;
  }

  #admit({ mounts = [] }: Claim): Mounts {
    const { mountRoots: roots, dataDir } = this.#options.config;
    return this.#setup.bubblewrap === undefined
      ? Mounts.none(mounts, 'there are no mounts without isolation')
      : Mounts.admit(mounts, { roots, dataDir });
  }

  async #warnings({ name, template }: Claim, folder: SandboxFolder, mounts: Mounts): Promise<string[]> {
    const isLost = template !== undefined && !this.#named.has(template);
    const warnings = [
      ...(isLost ? [`The template ${template} is gone: the sandbox has what those without one have.`] : []),
      ...mounts.leftOut,
      ...(await mounts.unusable(folder.hostUid)),
    ];
    if (warnings.length > 0)
      this.#options.log.warn({ sandbox: name, warnings }, 'a sandbox has not all that was asked for');
    return warnings;
  }
}
