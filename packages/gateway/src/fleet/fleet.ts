import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Claim, Engine, Notes, SandboxName } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import type { Audit, EndReason } from './audit.ts';
import { type Expiry, expiryOf, type LifeLimits } from './expiry.ts';
import { Member, type MemberDeps, type Upstream } from './member.ts';
import { sandboxName } from './name.ts';

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
    return { member, isNew: !found };
  }

  /**
   * The server of an owner's sandbox, claimed and started if need be.
   *
   * @throws {Fault} `sandbox_limit`, `sandbox_starting`, `sandbox_failed`.
   */
  async ensure(owner: string, id: string): Promise<Upstream> {
    await this.#releasing.get(sandboxName(owner, id));
    return this.#inTime(this.find(owner, id) ?? this.#add(owner, id));
  }

  /**
   * The server of a sandbox that exists, started again if it has stopped.
   *
   * @param patienceSeconds how long the caller waits for that, where it is less than others do.
   * @throws {Fault} `sandbox_not_found`, `sandbox_starting`, `sandbox_failed`.
   */
  async reach(owner: string, id: string, patienceSeconds?: number): Promise<Upstream> {
    return this.#inTime(this.existing(owner, id), patienceSeconds);
  }

  /**
   * An owner's sandbox, without waking it.
   *
   * @throws {Fault} `sandbox_not_found`.
   */
  existing(owner: string, id: string): Member {
    const member = this.find(owner, id);
    if (!member) throw new Fault('sandbox_not_found', `there is no sandbox "${id}"`);
    return member;
  }

  /** An owner's sandbox, if there is one, without waking it. */
  find(owner: string, id: string): Member | undefined {
    return this.#members.get(sandboxName(owner, id));
  }

  /** The sandbox of that name, whosever it is. */
  byName(name: SandboxName): Member | undefined {
    return this.#members.get(name);
  }

  /** An owner's sandboxes. */
  list(owner: string): Member[] {
    return [...this.#members.values()].filter((member) => member.claim.owner === owner);
  }

  /** The sandboxes of that id, whosever they are: for a caller who has a secret of one of them. */
  named(id: string): Member[] {
    return [...this.#members.values()].filter((member) => member.claim.id === id);
  }

  /** Every sandbox. */
  all(): Member[] {
    return [...this.#members.values()];
  }

  /** Ends an owner's sandbox and deletes its files. One that is not there is no error. */
  async release(owner: string, id: string): Promise<void> {
    const member = this.find(owner, id);
    return member ? this.end(member, 'request') : this.#releasing.get(sandboxName(owner, id));
  }

  /** When a sandbox is to be released. */
  expiryOf(member: Member): Expiry {
    return expiryOf(member.life, this.#options);
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

  #checkTemplate(template: string | undefined): void {
    const known = Object.keys(this.#options.templates);
    if (template === undefined || known.includes(template)) return;
    const hint =
      known.length > 0 ? `Take one of ${known.join(', ')}, or none.` : 'Leave template out: there are none.';
    throw new Fault('template_unknown', `there is no template "${template}"`, { hint });
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
    const notice =
      ended &&
      `The sandbox that had this id has ended (${ended}), and its files are gone. This is a new one.`;
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
      throw new Fault('sandbox_starting', undefined, { headers: { 'retry-after': '1' } });
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
    if (member.state !== 'absent' || member.isStarting || this.#members.get(name) !== member) return;
    this.#members.delete(name);
    const detail = error instanceof Error ? error.message : String(error);
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
} satisfies Partial<Record<EndReason, string>>;

function limitReached(what: string, setting: string): Fault {
  return new Fault('sandbox_limit', `${what}, as many as ${setting} allows`, {
    headers: { 'retry-after': '5' },
  });
}
