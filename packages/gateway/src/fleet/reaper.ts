import type { Logger } from 'pino';
import type { Shared } from '../engines/engine.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';

export interface ReaperOptions {
  readonly fleet: Fleet;
  readonly log: Logger;
  /** 0 is never. */
  readonly idleSeconds: number;
  /** 0 is never. */
  readonly maxLifeSeconds: number;
  /** Where several gateways share the sandboxes. */
  readonly shared: Shared | undefined;
}

const longestPauseMs = 1_000;

/** How old what is written down of a sandbox's last use may be, at most: what a gateway that is killed forgets. */
const longestRecordMs = 15_000;

/** Releases sandboxes whose time is over, and writes down when the others were last used. */
export class Reaper implements Disposable {
  readonly #fleet: Fleet;
  readonly #log: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #recordEveryMs: number;
  readonly #shared: Shared | undefined;
  #sweeping = false;

  constructor({ fleet, log, idleSeconds, maxLifeSeconds, shared }: ReaperOptions) {
    this.#shared = shared;
    this.#fleet = fleet;
    this.#log = log;
    this.#recordEveryMs = Math.min(longestRecordMs, (idleSeconds || Number.POSITIVE_INFINITY) * 250);
    const limits = [idleSeconds, maxLifeSeconds].filter((seconds) => seconds > 0);
    const pauseMs = Math.min(longestPauseMs, ...limits.map((seconds) => (seconds * 1000) / 4));
    this.#timer = setInterval(() => void this.#sweep(), pauseMs).unref();
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    await Promise.all(
      this.#fleet.all().map(async (member) => {
        try {
          await this.#judge(member);
        } catch (error) {
          this.#log.error({ err: error, sandbox: member.claim.name }, 'cannot see to the time of a sandbox');
        }
      }),
    );
    this.#sweeping = false;
  }

  async #judge(member: Member): Promise<void> {
    if (this.#shared) return this.#judgeShared(member, this.#shared);
    const isDue = () => this.#fleet.expiryOf(member).atMs <= Date.now();
    if (!isDue()) {
      if (Date.now() - member.recordedMs >= this.#recordEveryMs) await member.recordUse();
      return;
    }
    // Commands run on without a request. One that claims to be busy for ever lives to its maximum age.
    if (this.#fleet.expiryOf(member).reason === 'idle') await member.askUse();
    if (isDue()) await this.#fleet.end(member, this.#fleet.expiryOf(member).reason);
  }

  /** Their servers know when they were last used, for all gateways. One that does not say is not idle for all we know. */
  async #judgeShared(member: Member, shared: Shared): Promise<void> {
    const isDue = () => this.#fleet.expiryOf(member).atMs <= Date.now();
    if (!shared.isLeader || !member.serves || !isDue()) return;
    const { reason } = this.#fleet.expiryOf(member);
    if (reason !== 'absolute') {
      await member.ready();
      if (!(await member.askUse())) return;
    }
    if (isDue()) await this.#fleet.end(member, reason);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
