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
  readonly createTimeoutSeconds: number;
}

/** Which sandboxes exist, and how a request gets to the one it is for. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Map<SandboxName, Member>();
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

  /** Ends an owner's sandbox and deletes its files. One that is not there is no error. */
  async release(owner: string, id: string): Promise<void> {
    const name = sandboxName(owner, id);
    const member = this.#members.get(name);
    if (!member) return this.#releasing.get(name);
    // Gone from here first: a request that comes now is for a new sandbox of that id, and waits for the end of the old.
    this.#members.delete(name);
    const released = member.release().finally(() => this.#releasing.delete(name));
    this.#releasing.set(name, released);
    return released;
  }

  #add(owner: string, id: string): Member {
    const { maxSandboxes } = this.#options;
    if (this.#members.size >= maxSandboxes) {
      const message = `${maxSandboxes} sandboxes are live, as many as maxSandboxes allows`;
      throw new Fault('sandbox_limit', message, { headers: { 'retry-after': '5' } });
    }
    const name = sandboxName(owner, id);
    const member = new Member({ name, owner, id }, this.#options);
    this.#members.set(name, member);
    return member;
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
