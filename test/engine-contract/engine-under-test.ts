import { Agent } from 'node:http';
import { aio, control, type Operation, type RequestOf, type ResponseOf } from '@paddock/protocol';
import type { Claim, Engine, SandboxName, Server } from '../../packages/gateway/src/engines/engine.ts';
import { callServer } from '../../packages/gateway/src/fleet/index.ts';
import type { GatewayKey } from '../../packages/gateway/src/trust/index.ts';

/** Where engines come from: each call of `open` is a new process of a gateway on the same storage. */
export interface EngineSource extends AsyncDisposable {
  /** Makes an engine, with the key that its servers take. */
  open(): Promise<{ readonly engine: Engine; readonly key: GatewayKey }>;
}

const callTimeoutMs = 10_000;

/** An engine that can be restarted, and what a gateway does with its servers. */
export class EngineUnderTest implements AsyncDisposable {
  readonly #source: EngineSource;
  readonly #agents = new Set<Agent>();
  #opened: { readonly engine: Engine; readonly key: GatewayKey } | undefined;

  constructor(source: EngineSource) {
    this.#source = source;
  }

  get engine(): Engine {
    return this.#open.engine;
  }

  get key(): GatewayKey {
    return this.#open.key;
  }

  get #open() {
    if (!this.#opened) throw new Error('the engine is not open');
    return this.#opened;
  }

  /** Starts an engine, as a gateway does that starts. */
  async open(): Promise<void> {
    this.#opened = await this.#source.open();
    await this.engine.start();
  }

  /** Ends the engine as a gateway does that stops. */
  async close(): Promise<void> {
    const { engine } = this.#open;
    this.#opened = undefined;
    await engine[Symbol.asyncDispose]();
  }

  async reopen(): Promise<void> {
    await this.close();
    await this.open();
  }

  /** Claims a sandbox and binds its server to it. */
  async claimAndBind(claim: Claim) {
    const claimed = await this.engine.claim(claim);
    await this.bind(claimed.server, claim);
    return claimed;
  }

  bind(server: Server, claim: Claim, token = this.key.token('bind', server.id)) {
    const body = { name: claim.name, sandbox_id: claim.id, env: {}, files: [] };
    return this.call(server, control.server.bind, body, token);
  }

  /** Runs a command where commands start, and gives what it prints. */
  async run(server: Server, command: string): Promise<string> {
    const { stdout } = await this.call(
      server,
      aio.bash.exec,
      { command },
      this.key.token('proxy', server.id),
    );
    return stdout;
  }

  /** The log of a sandbox, as far as it goes. */
  async log(name: SandboxName, { follow = false } = {}): Promise<string> {
    const signal = AbortSignal.timeout(callTimeoutMs);
    let text = '';
    const lines = this.engine.logs(name, { tailLines: undefined, sinceMs: undefined, follow, signal });
    for await (const some of lines) text += some;
    return text;
  }

  /** Calls an operation of a server. */
  call<Op extends Operation>(
    server: Server,
    row: Op,
    body: RequestOf<Op>,
    token?: string,
  ): Promise<ResponseOf<Op>> {
    const agent = new Agent();
    this.#agents.add(agent);
    const signal = AbortSignal.timeout(callTimeoutMs);
    return callServer({ server, agent, row, body, signal, ...(token !== undefined && { token }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) agent.destroy();
    await this.#opened?.engine[Symbol.asyncDispose]();
    await this.#source[Symbol.asyncDispose]();
  }
}
