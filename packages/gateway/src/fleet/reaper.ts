import type { Logger } from 'pino';
import { defaultId } from './default-id.ts';
import type { Fleet } from './fleet.ts';
import type { Member } from './member.ts';

export interface ReaperOptions {
  readonly fleet: Fleet;
  readonly log: Logger;
  /** 0 is never. */
  readonly idleSeconds: number;
  /** 0 is never. */
  readonly maxLifeSeconds: number;
}

const longestPauseMs = 15_000;

/**
 * Releases sandboxes that nobody uses any more, and those that have lived as long as they may. The sandbox that
 * callers share who name none is never released.
 */
export class Reaper implements Disposable {
  readonly #options: ReaperOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
    const limits = [options.idleSeconds, options.maxLifeSeconds].filter((seconds) => seconds > 0);
    if (limits.length === 0) return;
    const pauseMs = Math.min(longestPauseMs, (Math.min(...limits) * 1000) / 4);
    this.#timer = setInterval(() => void this.#sweep(), pauseMs).unref();
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    const { fleet, log } = this.#options;
    await Promise.all(
      fleet
        .all()
        .filter(({ claim }) => claim.id !== defaultId)
        .map(async (member) => {
          try {
            const reason = await this.#verdict(member);
            if (reason) await fleet.end(member, reason);
          } catch (error) {
            log.error({ err: error, sandbox: member.claim.name }, 'cannot end a sandbox whose time is over');
          }
        }),
    );
    this.#sweeping = false;
  }

  /** Why a sandbox is to end, or undefined. */
  async #verdict(member: Member): Promise<string | undefined> {
    const { idleSeconds, maxLifeSeconds } = this.#options;
    if (maxLifeSeconds > 0 && member.ageMs >= maxLifeSeconds * 1000) return 'it reached its maximum age';
    if (idleSeconds === 0 || member.use.idleMs < idleSeconds * 1000) return undefined;
    // Commands run on without a request. One that claims to be busy for ever lives to its maximum age.
    await member.askUse();
    return member.use.idleMs < idleSeconds * 1000 ? undefined : 'it was idle';
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
