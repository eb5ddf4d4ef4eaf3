import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Engine, SandboxName } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import { Member, type Upstream } from './member.ts';
import { sandboxName } from './name.ts';

export interface FleetOptions {
  readonly engine: Engine;
  readonly key: GatewayKey;
  readonly log: Logger;
  readonly maxSandboxes: number;
  /** 0 is no limit. */
  readonly maxSandboxesPerOwner: number;
  readonly createTimeoutSeconds: number;
}

const rememberedLimit = 10_000;

/** Which sandboxes exist, and how a request gets to the one it is for. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<SandboxName, Member>();
  /** Why sandboxes ended, for the callers who come back to their ids. The oldest are forgotten. */
  readonly #ended = new Map<SandboxName, string>();
  readonly #releasing = new Map<SandboxName, Promise<void>>();

  constructor(options: FleetOptions) {
    this.#options = options;
    for (const kept of options.engine.list()) this.#members.set(kept.name, Member.kept(kept, options));
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
   * @throws {Fault} `sandbox_not_found`, `sandbox_starting`, `sandbox_failed`.
   */
  async reach(owner: string, id: string): Promise<Upstream> {
    const member = this.find(owner, id);
    if (!member) throw new Fault('sandbox_not_found', `there is no sandbox "${id}"`);
    return this.#inTime(member);
  }

  /** An owner's sandbox, without waking it. */
  find(owner: string, id: string): Member | undefined {
    return this.#members.get(sandboxName(owner, id));
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
    return member ? this.end(member, 'released') : this.#releasing.get(sandboxName(owner, id));
  }

  /** Ends a sandbox and deletes its files. */
  async end(member: Member, reason: string): Promise<void> {
    const { name } = member.claim;
    if (this.#members.get(name) !== member) return this.#releasing.get(name);
    // Gone from here first: a request that comes now is for a new sandbox of that id, and waits for the end of the old.
    this.#members.delete(name);
    this.#remember(name, reason);
    const ended = member.release(reason).finally(() => this.#releasing.delete(name));
    this.#releasing.set(name, ended);
    return ended;
  }

  #add(owner: string, id: string): Member {
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
    const member = new Member({ name, owner, id }, this.#options, notice);
    this.#members.set(name, member);
    return member;
  }

  #remember(name: SandboxName, reason: string): void {
    this.#ended.set(name, reason);
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size > rememberedLimit) this.#ended.delete(oldest);
  }

  async #inTime(member: Member): Promise<Upstream> {
    if (member.readyNow) return member.readyNow;
    const over = new AbortController();
    const tooLong = delay(this.#options.createTimeoutSeconds * 1000, undefined, { signal: over.signal }).then(
      () => {
        throw new Fault('sandbox_starting', undefined, { headers: { 'retry-after': '1' } });
      },
    );
    try {
      return await Promise.race([member.ready(), tooLong]);
    } catch (error) {
      // A sandbox that never was is forgotten, so that it does not count against the limit.
      if (member.state === 'absent' && !(error instanceof Fault && error.code === 'sandbox_starting')) {
        if (this.#members.get(member.claim.name) === member) this.#members.delete(member.claim.name);
      }
      throw error;
    } finally {
      over.abort();
      tooLong.catch(() => {});
    }
  }
}

function limitReached(what: string, setting: string): Fault {
  return new Fault('sandbox_limit', `${what}, as many as ${setting} allows`, {
    headers: { 'retry-after': '5' },
  });
}
