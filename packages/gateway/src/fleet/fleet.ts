import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Claim, Engine, Kept, Notes, SandboxName } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import type { Audit, EndReason } from './audit.ts';
import { defaultId } from './default-id.ts';
import { type Expiry, expiryOf, type LifeLimits } from './expiry.ts';
import { Member, type MemberDeps, type Upstream } from './member.ts';
import { sandboxName } from './name.ts';
import { replaced } from './notices.ts';
import { limitReached, stillStarting, templateUnknown } from './refusals.ts';

/** What a new sandbox is to be like. One that exists stays as it is. */
export type Wish = Pick<Claim, 'template' | 'mounts' | 'notes'>;

export interface FleetOptions extends LifeLimits {
  readonly engine: Engine;
  readonly key: GatewayKey;
  readonly log: Logger;
  readonly audit: Audit;
  /** The kinds of sandboxes that can be asked for by name. */
  readonly templates: Readonly<
    Record<string, { readonly env?: Readonly<Record<string, string>> | undefined }>
  >;
  readonly maxSandboxes: number;
  /** 0 is no limit. */
  readonly maxSandboxesPerOwner: number;
  readonly createTimeoutSeconds: number;
}

const rememberedLimit = 10_000;

/** Younger than that, a sandbox of which this gateway has seen no use has probably had none. */
const unusedLimitMs = 5_000;

/** Which sandboxes exist, and how a request gets to the one it is for. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #deps: MemberDeps;
  readonly #members = new Map<SandboxName, Member>();
  /** Why sandboxes ended, for the callers who come back to their ids. The oldest are forgotten. */
  readonly #ended = new Map<SandboxName, string>();
  readonly #releasing = new Map<SandboxName, Promise<void>>();

  constructor(options: FleetOptions) {
    this.#options = options;
    const { templates } = options;
    // A template that the configuration has lost gives nothing: its sandboxes go on as if they had none.
    const envOf = (template = '') => (Object.hasOwn(templates, template) && templates[template]?.env) || {};
    this.#deps = { ...options, envOf };
    for (const kept of options.engine.list()) this.#members.set(kept.name, Member.kept(kept, this.#deps));
    options.engine.shared?.observe({
      changed: (kept) => this.#changed(kept),
      gone: (name, reason) => this.#gone(name, reason),
    });
  }

  /**
   * Makes a sandbox, or finds the one of that id, and starts its server if need be.
   *
   * @throws {Fault} `template_unknown`, `sandbox_limit`, `sandbox_starting`, `sandbox_failed`.
   */
  async create(owner: string, id: string, wish: Wish): Promise<{ member: Member; isNew: boolean }> {
    this.#checkTemplate(wish.template);
    await this.#releasing.get(sandboxName(owner, id));
    const found = this.find(owner, id);
    const member = found ?? this.#add(owner, id, wish);
    await this.#inTime(member);
    member.use.seen(0);
    return { member, isNew: !found && !member.isAdopted };
  }

  /**
   * The server of an owner's sandbox, claimed and started if need be.
   *
   * @throws {Fault} `sandbox_limit`, `sandbox_starting`, `sandbox_failed`.
   */
  async ensure(owner: string, id: string): Promise<Upstream> {
    const name = sandboxName(owner, id);
    const releasing = this.#releasing.get(name);
    if (releasing) await releasing;
    const known = this.#members.get(name);
    return known?.readyNow ?? this.#inTime(known ?? this.#add(owner, id));
  }

  /**
   * The server of a sandbox that exists, started again if it has stopped.
   *
   * @param patienceSeconds how long the caller waits for that, where it is less than others do.
   * @throws {Fault} `sandbox_not_found`, `sandbox_starting`, `sandbox_failed`.
   */
  async reach(owner: string, id: string, patienceSeconds?: number): Promise<Upstream> {
    return this.#inTime(await this.existing(owner, id), patienceSeconds);
  }

  /**
   * An owner's sandbox, without waking it.
   *
   * @throws {Fault} `sandbox_not_found`, `engine_unavailable`.
   */
  async existing(owner: string, id: string): Promise<Member> {
    const member = await this.byName(sandboxName(owner, id));
    if (!member) throw new Fault('sandbox_not_found', `there is no sandbox "${id}"`);
    return member;
  }

  /** An owner's sandbox, if there is one, without waking it. */
  find(owner: string, id: string): Member | undefined {
    return this.#members.get(sandboxName(owner, id));
  }

  /**
   * The sandbox of that name, whosever it is. Only one that is not known costs a question to where they are kept.
   *
   * @throws {Fault} `engine_unavailable`.
   */
  async byName(name: SandboxName): Promise<Member | undefined> {
    const known = this.#members.get(name);
    if (known || this.#releasing.has(name)) return known;
    const kept = await this.#options.engine.shared?.find(name);
    return kept && this.#changed(kept);
  }

  /** An owner's sandboxes. */
  list(owner: string): Member[] {
    return [...this.#members.values()].filter((member) => member.claim.owner === owner);
  }

  /**
   * The one of the sandboxes of that id, whosever they are, that a caller has the secret of.
   *
   * @throws {Fault} `engine_unavailable`.
   */
  async opened(id: string, opens: (name: SandboxName) => boolean): Promise<Member | undefined> {
    const known = this.all().find(({ claim }) => claim.id === id && opens(claim.name));
    if (known) return known;
    const kept = await this.#options.engine.shared?.findById(id);
    const found = kept?.find(({ name }) => opens(name));
    return found && this.#changed(found);
  }

  /** Every sandbox. */
  all(): Member[] {
    return [...this.#members.values()];
  }

  /** Ends an owner's sandbox and deletes its files. One that is not there is no error. */
  async release(owner: string, id: string): Promise<void> {
    const name = sandboxName(owner, id);
    const member = await this.byName(name);
    return member ? this.end(member, 'request') : this.#releasing.get(name);
  }

  /** When a sandbox is to be released. */
  expiryOf(member: Member): Expiry {
    const { id, name } = member.claim;
    // Only there does it matter.
    const isOutdated = id === defaultId && (this.#options.engine.shared?.isOutdated(name) ?? false);
    return expiryOf({ ...member.life, isOutdated }, this.#options);
  }

  /** Ends a sandbox and deletes its files. */
  async end(member: Member, reason: keyof typeof endings): Promise<void> {
    const { name } = member.claim;
    if (this.#members.get(name) !== member) return this.#releasing.get(name);
    // Gone from here first: a request that comes now is for a new sandbox of that id, and waits for the end of the old.
    this.#members.delete(name);
    this.#remember(name, endings[reason]);
    const ended = member.release(reason).finally(() => this.#releasing.delete(name));
    this.#releasing.set(name, ended);
    return ended;
  }

  /** Lets go of every server, before the engine ends them. Files stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#releasing.values());
    await Promise.all(
      this.all().map(async (member) => {
        try {
          await member.shutDown();
        } catch (error) {
          this.#options.log.error({ err: error, sandbox: member.claim.name }, 'cannot record the last use');
        }
      }),
    );
  }

  /** There is a sandbox, which this or another gateway made, or it is another than it was. */
  #changed(kept: Kept): Member | undefined {
    if (this.#releasing.has(kept.name)) return undefined;
    const known = this.#members.get(kept.name);
    if (known) {
      known.update(kept);
      return known;
    }
    const member = Member.kept(kept, this.#deps);
    this.#members.set(kept.name, member);
    return member;
  }

  /** A sandbox has ended without us. One that can hardly have been used, by any gateway, is replaced in silence. */
  #gone(name: SandboxName, reason: string): void {
    const member = this.#members.get(name);
    if (!member) return;
    if (member.isStarting) {
      member.overtaken();
      return;
    }
    this.#members.delete(name);
    if (member.wasUsed || Date.now() - member.life.createdMs > unusedLimitMs) this.#remember(name, reason);
    // One that was released is accounted for by the gateway that did it.
    member.vanish(reason, this.#options.engine.shared?.isLeader && reason !== 'released');
  }

  #checkTemplate(template: string | undefined): void {
    const { templates, engine } = this.#options;
    const known = new Set([...Object.keys(templates), ...(engine.shared?.templates ?? [])]);
    if (template !== undefined && !known.has(template)) throw templateUnknown(template, [...known].sort());
  }

  #add(owner: string, id: string, wish: Wish = {}): Member {
    const { maxSandboxes, maxSandboxesPerOwner } = this.#options;
    if (this.#members.size >= maxSandboxes)
      throw limitReached(`${maxSandboxes} sandboxes are live`, 'maxSandboxes');
    if (maxSandboxesPerOwner > 0 && this.list(owner).length >= maxSandboxesPerOwner) {
      throw limitReached(`this owner has ${maxSandboxesPerOwner} sandboxes`, 'maxSandboxesPerOwner');
    }
    const name = sandboxName(owner, id);
    const ended = this.#ended.get(name);
    const notice = ended === undefined ? undefined : replaced(ended);
    this.#ended.delete(name);
    const notes: Notes = { ...wish.notes, lastUsedMs: Date.now() };
    const member = new Member({ ...wish, name, owner, id, notes }, this.#deps, notice);
    this.#members.set(name, member);
    return member;
  }

  #remember(name: SandboxName, reason: string): void {
    this.#ended.set(name, reason);
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > rememberedLimit) this.#ended.delete(oldest);
  }

  async #inTime(member: Member, patienceSeconds = this.#options.createTimeoutSeconds): Promise<Upstream> {
    if (member.readyNow) return member.readyNow;
    const over = new AbortController();
    const timeoutMs = Math.min(patienceSeconds, this.#options.createTimeoutSeconds) * 1000;
    const tooLong = delay(timeoutMs, undefined, { signal: over.signal }).then(() => {
      throw stillStarting(this.#options.engine.shared?.delayOf(member.claim));
    });
    const started = member.ready();
    // Not only while somebody waits: a start that fails after its callers have been told to ask again fails all the same.
    started.catch((error) => this.#forgetIfNeverWas(member, error));
    try {
      const upstream = await Promise.race([started, tooLong]);
      if (this.#members.get(member.claim.name) === member) return upstream;
      throw new Fault('sandbox_failed', 'the sandbox was released while it started');
    } finally {
      over.abort();
      tooLong.catch(() => {});
    }
  }

  /** A sandbox whose first start failed does not count against the limit. */
  #forgetIfNeverWas(member: Member, error: unknown): void {
    const { name } = member.claim;
    const { engine } = this.#options;
    const neverWas = member.state === 'absent';
    // One that was there may have ended while it was started here, unheard.
    const isGone =
      engine.shared && member.state !== 'ready' && !engine.list().some((kept) => kept.name === name);
    if (!(neverWas || isGone) || member.isStarting || this.#members.get(name) !== member) return;
    this.#members.delete(name);
    const detail = error instanceof Error ? error.message : String(error);
    // What of it was made where sandboxes are shared, the engine has put away; what is there now may be another gateway's.
    if (engine.shared) {
      member.vanish(detail);
      return;
    }
    member
      .release('failure', detail)
      .catch((cause) => this.#options.log.error({ err: cause, sandbox: name }));
  }
}

/** The reasons that callers who come back to an id read. */
const endings = {
  request: 'released',
  idle: 'it was idle',
  absolute: 'it reached its maximum age',
  outdated: 'it was idle, and a newer one took its place',
} satisfies Partial<Record<EndReason, string>>;
