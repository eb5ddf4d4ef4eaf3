import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { type Gateway, startGateway } from '../support/gateway.ts';

/** A gateway that can be stopped and started again on the same data, and folders of the host beside it. */
export class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'place-'));
  readonly #settings: Readonly<Record<string, string>>;
  readonly #launcher: readonly string[];
  #gateway: Gateway | undefined;

  /**
   * @param settings in which `$PLACE` stands for the folder.
   * @param launcher a program with its arguments that becomes the gateway.
   */
  constructor(settings: Readonly<Record<string, string>> = {}, launcher: readonly string[] = []) {
    this.#settings = settings;
    this.#launcher = launcher;
  }

  get gateway(): Gateway {
    if (!this.#gateway) throw new Error('the gateway does not run');
    return this.#gateway;
  }

  /** A client that sends everything once, so that every answer is seen. */
  get client(): Client {
    return new Client({ baseUrl: this.gateway.url, retries: 0 });
  }

  sandbox(id: string): Sandbox {
    return new Sandbox({ baseUrl: this.gateway.url, id });
  }

  /** What a command prints in a sandbox. */
  async run(id: string, command: string): Promise<string> {
    return (await this.sandbox(id).bash.exec({ command })).stdout ?? '';
  }

  /** A path beside the gateway's data. */
  path(name: string): string {
    return join(this.folder, name);
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    mkdirSync(this.path('data'), { recursive: true });
    const all = {
      PADDOCK_NETWORK: 'none',
      PADDOCK_WARM_SANDBOXES: '1',
      PADDOCK_DATA_DIR: this.path('data'),
      ...this.#settings,
      ...settings,
    };
    const filled = Object.entries(all).map(([key, value]) => [key, value.replaceAll('$PLACE', this.folder)]);
    this.#gateway = await startGateway(Object.fromEntries(filled), this.#launcher);
  }

  /** Asks the gateway to stop, and waits. */
  async stop(): Promise<void> {
    await this.#gateway?.[Symbol.asyncDispose]();
    this.#gateway = undefined;
  }

  async restart(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await this.start(settings);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
