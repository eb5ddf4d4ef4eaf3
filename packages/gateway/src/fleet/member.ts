import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { aio, control } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Claim, Engine, Kept, Server } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import { callServer } from './call.ts';
import { advance, type State, type Step } from './lifecycle.ts';
import { Use } from './use.ts';

/** A server is bound in milliseconds; one that takes this long hangs. */
const bindTimeoutMs = 10_000;

/** How long a server may take to show that it lives. One that is only busy is then taken as it is. */
const probeTimeoutMs = 2_000;

/** A server that is bound and takes requests. */
export interface Upstream {
  readonly server: Server;
  /** Connections to this server and no other. */
  readonly agent: Agent;
  /** The token that the next request needs. */
  readonly token: () => string;
  /** To be called when a request failed for want of the server: the next one waits until it is known whether it lives. */
  readonly doubt: () => void;
  /** To be called when a request begins, and what it gives when that ends. */
  readonly begin: () => () => void;
}

/** One sandbox: its state, and the one place where that changes. */
export class Member {
  readonly claim: Claim;
  readonly use = new Use();
  #createdMs = Date.now();
  #notice: string | undefined;
  readonly #engine: Engine;
  readonly #key: GatewayKey;
  readonly #log: Logger;
  #state: State = 'absent';
  #upstream: Upstream | undefined;
  #starting: Promise<Upstream> | undefined;
  #doubt: Promise<void> | undefined;

  /** @param notice what the sandbox's first answer is to say of how it came to be. */
  constructor(claim: Claim, deps: { engine: Engine; key: GatewayKey; log: Logger }, notice?: string) {
    this.claim = claim;
    this.#notice = notice;
    this.#engine = deps.engine;
    this.#key = deps.key;
    this.#log = deps.log.child({ sandbox: claim.name, owner: claim.owner, id: claim.id });
  }

  /** A sandbox that an earlier run left with its files. */
  static kept(kept: Kept, deps: { engine: Engine; key: GatewayKey; log: Logger }): Member {
    const { name, id, owner, createdAt } = kept;
    const member = new Member({ name, id, owner }, deps);
    member.#createdMs = createdAt.getTime();
    member.#state = 'stopped';
    member.#notice = lossOf('the gateway was restarted');
    return member;
  }

  get state(): State {
    return this.#state;
  }

  get ageMs(): number {
    return Date.now() - this.#createdMs;
  }

  /** The bound server, while there is one. */
  get upstream(): Upstream | undefined {
    return this.#upstream;
  }

  /** The bound server, when a request can be sent to it without waiting for anything. */
  get readyNow(): Upstream | undefined {
    return this.#doubt ? undefined : this.#upstream;
  }

  /**
   * The bound server, started if need be. Callers that come while it starts wait for the same start.
   *
   * @throws {Fault} `sandbox_failed`.
   */
  async ready(): Promise<Upstream> {
    await this.#doubt;
    if (this.#upstream) return this.#upstream;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<Upstream> {
    const { server } = await this.#engine.claim(this.claim);
    this.#step('claim');
    const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });
    void server.ended.then((reason) => this.#lost(server, agent, reason));
    try {
      const token = this.#key.token('bind', server.id);
      const signal = AbortSignal.timeout(bindTimeoutMs);
      const body = {
        name: this.claim.name,
        sandbox_id: this.claim.id,
        env: { SANDBOX_ID: this.claim.id },
        notice: this.#notice ?? null,
        files: [],
      };
      await callServer({ server, agent, row: control.server.bind, body, token, signal });
    } catch (error) {
      agent.destroy();
      if (this.#state === 'claimed') this.#step('lose');
      throw error;
    }
    this.#step('bind');
    this.#notice = undefined;
    const doubt = () => this.#check(server, agent);
    const begin = () => this.use.begin();
    this.#upstream = { server, agent, token: this.#key.tokens('proxy', server.id), doubt, begin };
    return this.#upstream;
  }

  /** Learns from the server of what runs without a request. One that does not answer tells nothing. */
  async askUse(): Promise<void> {
    if (!this.#upstream) return;
    const { server, agent, token } = this.#upstream;
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const asked = { server, agent, row: control.server.activity, body: {}, token: token(), signal };
    try {
      this.use.seen((await callServer(asked)).idle_seconds * 1000);
    } catch (error) {
      this.#log.warn({ err: error }, 'a sandbox server does not say whether it is in use');
    }
  }

  /** Finds out whether the server has ended: its connections are seen to break before its end is. */
  #check(server: Server, agent: Agent): void {
    const probe = {
      server,
      agent,
      row: aio.sandbox.context,
      body: {},
      signal: AbortSignal.timeout(probeTimeoutMs),
    };
    const lives = callServer(probe).then(
      () => {},
      () => Promise.race([server.ended, delay(probeTimeoutMs, undefined, { ref: false })]).then(() => {}),
    );
    this.#doubt ??= lives.finally(() => {
      this.#doubt = undefined;
    });
  }

  #lost(server: Server, agent: Agent, reason: string): void {
    agent.destroy();
    if (this.#upstream?.server !== server) return; // Released, or never bound.
    this.#upstream = undefined;
    this.#notice = lossOf(`its server ended: ${reason}`);
    this.#step('lose', reason);
  }

  /** Ends the sandbox and deletes its files. */
  async release(reason: string): Promise<void> {
    await this.#starting?.catch(() => {}); // Whoever asked for the start hears of its failure.
    const agent = this.#upstream?.agent;
    this.#upstream = undefined;
    this.#step('release', reason);
    await this.#engine.release(this.claim.name);
    agent?.destroy();
  }

  #step(step: Step, reason?: string): void {
    const from = this.#state;
    this.#state = advance(from, step);
    this.#log.info({ step, from, to: this.#state, ...(reason && { reason }) }, 'sandbox');
  }
}

function lossOf(cause: string): string {
  return `The sandbox was restarted (${cause}). Its files are kept; sessions lost, and with them shells, variables and running commands.`;
}
