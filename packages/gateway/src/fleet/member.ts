import type { Agent } from 'node:http';
import { Use } from '@paddock/http';
import type { Logger } from 'pino';
import type { Claim, Claimed, Engine, Kept, Notes, Server } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import { askIdleMs, untilKnown } from './ask.ts';
import type { Audit, EndReason } from './audit.ts';
import { bind } from './bind.ts';
import { defaultId } from './default-id.ts';
import type { Life } from './expiry.ts';
import { advance, type State, type Step } from './lifecycle.ts';
import { replaced, restarted } from './notices.ts';

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
  /** 0 is never. */
  readonly maxLifeSeconds: number;
  /** Variables that the commands of a template's sandboxes get. */
  readonly envOf: (template: string | undefined) => Readonly<Record<string, string>>;
}

/** One sandbox: its state, and the one place where that changes. */
export class Member {
  readonly use: Use;
  readonly #deps: MemberDeps;
  readonly #log: Logger;
  #claim: Claim;
  #createdMs = Date.now();
  #notes: Notes;
  #recordedMs = Date.now();
  #notice: string | undefined;
  #warnings: readonly string[] = [];
  #state: State = 'absent';
  #upstream: Upstream | undefined;
  /** Its server as the engine knows it, where sandboxes are shared: another gateway may have bound it. */
  #known: Server | undefined;
  #wasUsed = false;
  #isAdopted = false;
  #isOver = false;
  #starting: Promise<Upstream> | undefined;
  #doubt: Promise<void> | undefined;
  #isSilent = false;

  /** @param notice what the sandbox's first answer is to say of how it came to be. */
  constructor(claim: Claim, deps: MemberDeps, notice?: string) {
    this.#claim = claim;
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
    if (deps.engine.shared) member.#known = kept.server;
    else member.#notice = restarted('the gateway was restarted');
    return member;
  }

  /** Whose it is and what it was made with. */
  get claim(): Claim {
    return this.#claim;
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

  /** Whether it has a server, to which this gateway may not have sent a request yet. */
  get serves(): boolean {
    return this.#upstream !== undefined || this.#known !== undefined;
  }

  /** Whether another gateway had made it when it was claimed. */
  get isAdopted(): boolean {
    return this.#isAdopted;
  }

  /** Whether a request of this gateway's callers ever reached it. */
  get wasUsed(): boolean {
    return this.#wasUsed;
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
    const { server, warnings, adopted = false, ...kept } = await this.#claimServer();
    this.#step('claim');
    this.#createdMs = kept.createdAt.getTime();
    this.#warnings = warnings;
    this.#isAdopted = adopted;
    const wasThere = !isNew && this.#deps.engine.shared !== undefined;
    if (adopted) this.update({ ...kept, server });
    else
      this.#deps.audit.write(this.claim, {
        event: isNew || wasThere ? 'sandbox.created' : 'sandbox.resumed',
      });
    // It ended a moment ago, while this request was on its way.
    if (!adopted && wasThere) this.#notice = replaced();
    if (!adopted && this.#notes !== notes) await this.#record(); // They changed while it started.
    const mayReplace = this.#deps.engine.shared && !adopted;
    try {
      return await this.#serve(server).catch((error) => {
        if (mayReplace) return this.#claimAnother(error);
        throw error;
      });
    } catch (error) {
      if (this.#state === 'claimed')
        this.#stopped('failure', error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** Binds a server and takes it for requests. */
  async #serve(server: Server): Promise<Upstream> {
    this.#isOver = false;
    const { key, envOf } = this.#deps;
    const env = envOf(this.claim.template);
    const agent = await bind(server, { claim: this.claim, env, notice: this.#notice, key });
    void server.ended.then((reason) => this.#lost(server, agent, reason));
    if (this.#isOver) {
      agent.destroy();
      throw new Error('its pod is being ended');
    }
    this.#step('bind');
    this.#notice = undefined;
    const doubt = () => this.#check(server, agent);
    const begin = () => {
      this.#wasUsed = true;
      return this.use.begin();
    };
    this.#upstream = { server, agent, token: key.tokens('proxy', server.id), doubt, begin };
    return this.#upstream;
  }

  /** A server that was never used has ended, or cannot be reached: nobody is to notice. */
  async #claimAnother(cause: unknown): Promise<Upstream> {
    const { engine } = this.#deps;
    this.#log.warn({ err: cause }, 'a claimed server could not be bound; another is claimed');
    await engine.release(this.claim.name);
    const { server } = await this.#claimServer();
    return this.#serve(server);
  }

  #claimServer(): Promise<Claimed> {
    const { engine, maxLifeSeconds } = this.#deps;
    const isUnlimited = this.claim.id === defaultId || maxLifeSeconds === 0;
    return engine.claim({
      ...this.claim,
      notes: this.#notes,
      maxLifeSeconds: isUnlimited ? undefined : maxLifeSeconds,
    });
  }

  /** Its pod is being ended while it starts. */
  overtaken(): void {
    this.#isOver = true;
  }

  /** Takes over what the engine keeps, which other gateways may have changed. */
  update({ createdAt, server, ...claim }: Kept): void {
    this.#claim = claim;
    this.#createdMs = createdAt.getTime();
    this.#notes = claim.notes ?? {};
    this.#known = server;
  }

  /**
   * It was ended by others: lets go of its server, whose commands may still come to their ends.
   *
   * @param isOurs whether it is for this gateway to account for that.
   */
  vanish(reason: string, isOurs = false): void {
    this.#upstream = undefined;
    this.#known = undefined;
    if (this.#state === 'gone') return;
    this.#step('release', reason);
    if (isOurs) this.#auditEnd('failure', reason);
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

  /**
   * Learns from the server of what runs without a request. One that does not answer tells nothing.
   *
   * @returns whether it is known now.
   */
  async askUse(): Promise<boolean> {
    if (this.use.idleMs === 0) return true;
    if (!this.#upstream) return false;
    try {
      this.use.seen(await askIdleMs(this.#upstream));
      this.#isSilent = false;
      return true;
    } catch (error) {
      if (!this.#isSilent)
        this.#log.warn({ err: error }, 'a sandbox server does not say whether it is in use');
      this.#isSilent = true;
      return false;
    }
  }

  #check(server: Server, agent: Agent): void {
    this.#doubt ??= untilKnown(server, agent).finally(() => {
      this.#doubt = undefined;
    });
  }

  #lost(server: Server, agent: Agent, reason: string): void {
    agent.destroy();
    if (this.#upstream?.server !== server) return; // Released, or never bound.
    this.#upstream = undefined;
    this.#notice = restarted(`its server ended: ${reason}`);
    this.#stopped('failure', reason);
  }

  /** Lets go of its server, which the engine is about to end; its files stay. */
  async shutDown(): Promise<void> {
    const { shared } = this.#deps.engine;
    // Whoever asked for the start hears of its failure. Where sandboxes are shared, another gateway goes on with it.
    if (!shared) await this.#starting?.catch(() => {});
    if (!this.#upstream) return;
    if (!shared) await this.recordUse();
    this.#upstream?.agent.destroy();
    this.#upstream = undefined;
    if (this.#state === 'ready' && !shared) this.#stopped('shutdown');
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
    const { engine } = this.#deps;
    // A start may take as long as the pull of an image. An engine whose sandboxes are shared ends it.
    if (engine.shared && this.#starting) await engine.release(this.claim.name);
    await this.#starting?.catch(() => {}); // Whoever asked for the start hears of its failure.
    const agent = this.#upstream?.agent;
    this.#upstream = undefined;
    this.#step('release', reason);
    try {
      await engine.release(this.claim.name);
    } finally {
      agent?.destroy();
      this.#auditEnd(reason, detail);
    }
  }

  #auditEnd(reason: Exclude<EndReason, 'shutdown'>, detail?: string): void {
    this.#deps.audit.write(this.claim, {
      event: 'sandbox.ended',
      reason,
      ...(detail !== undefined && { detail }),
      lived_seconds: this.#livedSeconds,
    });
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
