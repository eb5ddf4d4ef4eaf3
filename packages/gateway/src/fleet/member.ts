import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Use } from '@paddock/http';
import { aio, control } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Claim, Engine, Kept, Notes, Server } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import type { Audit, EndReason } from './audit.ts';
import { callServer } from './call.ts';
import type { Life } from './expiry.ts';
import { advance, type State, type Step } from './lifecycle.ts';

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

/** What sandboxes are made with. */
export interface MemberDeps {
  readonly engine: Engine;
  readonly key: GatewayKey;
  readonly log: Logger;
  readonly audit: Audit;
  /** Variables that the commands of a template's sandboxes get. */
  readonly envOf: (template: string | undefined) => Readonly<Record<string, string>>;
}

/** One sandbox: its state, and the one place where that changes. */
export class Member {
  readonly claim: Claim;
  readonly use: Use;
  readonly #deps: MemberDeps;
  readonly #log: Logger;
  #createdMs = Date.now();
  #notes: Notes;
  #recordedMs = Date.now();
  #notice: string | undefined;
  #warnings: readonly string[] = [];
  #state: State = 'absent';
  #upstream: Upstream | undefined;
  #starting: Promise<Upstream> | undefined;
  #doubt: Promise<void> | undefined;
  #isSilent = false;

  /** @param notice what the sandbox's first answer is to say of how it came to be. */
  constructor(claim: Claim, deps: MemberDeps, notice?: string) {
    this.claim = claim;
    this.#notes = claim.notes ?? {};
    this.use = new Use(this.#notes.lastUsedMs);
    this.#notice = notice;
    this.#deps = deps;
    this.#log = deps.log.child({ sandbox: claim.name, owner: claim.owner, id: claim.id });
  }

  /** A sandbox that an earlier run left with its files. The time since its last use counts, run or no run. */
  static kept(kept: Kept, deps: MemberDeps): Member {
    const { createdAt, server: _, ...claim } = kept;
    const lastUsedMs = claim.notes?.lastUsedMs ?? Date.now(); // None: an older release wrote it down.
    const member = new Member({ ...claim, notes: { ...claim.notes, lastUsedMs } }, deps);
    member.#createdMs = createdAt.getTime();
    member.#state = 'stopped';
    member.#notice = lossOf('the gateway was restarted');
    return member;
  }

  get state(): State {
    return this.#state;
  }

  /** What the time of its end depends on. */
  get life(): Life {
    const { id } = this.claim;
    return { id, createdMs: this.#createdMs, lastUsedMs: this.use.lastMs, notes: this.#notes };
  }

  get notes(): Notes {
    return this.#notes;
  }

  /** When its notes were last written down, in milliseconds since 1970. */
  get recordedMs(): number {
    return this.#recordedMs;
  }

  /** What of the claim is not so, as its latest start found. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  get isStarting(): boolean {
    return this.#starting !== undefined;
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
    const isNew = this.#state === 'absent';
    const notes = this.#notes;
    const { server, warnings, createdAt } = await this.#deps.engine.claim({ ...this.claim, notes });
    this.#step('claim');
    this.#createdMs = createdAt.getTime();
    this.#deps.audit.write(this.claim, { event: isNew ? 'sandbox.created' : 'sandbox.resumed' });
    this.#warnings = warnings;
    if (this.#notes !== notes) await this.#record(); // They changed while it started.
    const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });
    void server.ended.then((reason) => this.#lost(server, agent, reason));
    try {
      const token = this.#deps.key.token('bind', server.id);
      const signal = AbortSignal.timeout(bindTimeoutMs);
      const body = {
        name: this.claim.name,
        sandbox_id: this.claim.id,
        env: { ...this.#deps.envOf(this.claim.template), SANDBOX_ID: this.claim.id },
        notice: this.#notice ?? null,
        files: [],
      };
      await callServer({ server, agent, row: control.server.bind, body, token, signal });
    } catch (error) {
      agent.destroy();
      if (this.#state === 'claimed')
        this.#stopped('failure', error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#step('bind');
    this.#notice = undefined;
    const doubt = () => this.#check(server, agent);
    const begin = () => this.use.begin();
    this.#upstream = { server, agent, token: this.#deps.key.tokens('proxy', server.id), doubt, begin };
    return this.#upstream;
  }

  /** Changes what is kept with the sandbox. */
  async change(notes: Notes): Promise<void> {
    this.#notes = { ...this.#notes, ...notes };
    await this.#record();
  }

  /** Writes down when it was last used: the next run of the gateway goes by that. */
  async recordUse(): Promise<void> {
    await this.askUse();
    if (this.use.lastMs !== this.#notes.lastUsedMs) await this.#record();
    else this.#recordedMs = Date.now();
  }

  async #record(): Promise<void> {
    this.#notes = { ...this.#notes, lastUsedMs: this.use.lastMs };
    this.#recordedMs = Date.now();
    await this.#deps.engine.annotate(this.claim.name, this.#notes);
  }

  /** Learns from the server of what runs without a request. One that does not answer tells nothing. */
  async askUse(): Promise<void> {
    if (!this.#upstream || this.use.idleMs === 0) return;
    const { server, agent, token } = this.#upstream;
    const signal = AbortSignal.timeout(probeTimeoutMs);
    const asked = { server, agent, row: control.server.activity, body: {}, token: token(), signal };
    try {
      const askedMs = Date.now();
      // A server is as hostile as the code beside it: none is used in the future.
      const idleMs = Math.max(0, (await callServer(asked)).idle_seconds * 1000);
      // From when it was asked: the way of the answer must not make it look used after a time that it was not.
      this.use.seen(idleMs + Date.now() - askedMs);
      this.#isSilent = false;
    } catch (error) {
      if (!this.#isSilent)
        this.#log.warn({ err: error }, 'a sandbox server does not say whether it is in use');
      this.#isSilent = true;
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
    this.#stopped('failure', reason);
  }

  /** Lets go of its server, which the engine is about to end; its files stay. */
  async shutDown(): Promise<void> {
    await this.#starting?.catch(() => {}); // Whoever asked for the start hears of its failure.
    if (!this.#upstream) return;
    await this.recordUse();
    this.#upstream?.agent.destroy();
    this.#upstream = undefined;
    if (this.#state === 'ready') this.#stopped('shutdown');
  }

  #stopped(reason: 'failure' | 'shutdown', detail?: string): void {
    this.#step('lose', detail ?? reason);
    this.#deps.audit.write(this.claim, {
      event: 'sandbox.stopped',
      reason,
      ...(detail !== undefined && { detail }),
      lived_seconds: this.#livedSeconds,
    });
  }

  /** Ends the sandbox and deletes its files. */
  async release(reason: Exclude<EndReason, 'shutdown'>, detail?: string): Promise<void> {
    await this.#starting?.catch(() => {}); // Whoever asked for the start hears of its failure.
    const agent = this.#upstream?.agent;
    this.#upstream = undefined;
    this.#step('release', reason);
    try {
      await this.#deps.engine.release(this.claim.name);
    } finally {
      agent?.destroy();
      this.#deps.audit.write(this.claim, {
        event: 'sandbox.ended',
        reason,
        ...(detail !== undefined && { detail }),
        lived_seconds: this.#livedSeconds,
      });
    }
  }

  get #livedSeconds(): number {
    return Math.round((Date.now() - this.#createdMs) / 100) / 10;
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
