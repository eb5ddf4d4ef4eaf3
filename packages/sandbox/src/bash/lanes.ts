/** Bashes that wait for commands: some are kept ahead, and as many are made at once as are asked for at once. */
import { setImmediate } from 'node:timers/promises';
import { Lane, type Spare } from './lane.ts';
import type { PipePool } from './pipes.ts';

/** How many are kept ahead: while commands come fast, so that they are not held up by the start of a shell each, and later on. */
const spareLimits = { busy: 16, quiet: 1 } as const;
/** Commands come fast when two follow each other within this. */
const fastMs = 50;
/** So long after the last command fewer are kept. */
const quietAfterMs = 10_000;

interface Waiting {
  readonly lane: Lane;
  readonly spare: Spare;
}

export class Lanes implements AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #pool: PipePool;
  readonly #live = new Set<Promise<void>>();
  readonly #ready: Waiting[] = [];
  readonly #callers: PromiseWithResolvers<Spare>[] = [];
  #starting = 0;
  #spareLimit: number = spareLimits.quiet;
  #quiet: NodeJS.Timeout | undefined;
  #usedAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(pool: PipePool, env: Readonly<Record<string, string>>) {
    this.#pool = pool;
    this.env = env;
  }

  /** Makes one ahead, where there is none. One that cannot be made is told of when a command wants it. */
  prepare(): void {
    if (this.#live.size === 0) this.#add();
  }

  /**
   * A bash for a command.
   *
   * @throws what the system gives when none can be started
   */
  async take(): Promise<Spare> {
    this.#used();
    const ready = this.#ready.shift();
    if (ready !== undefined) {
      if (this.#ready.length + this.#starting < this.#spareLimit / 2) this.#add();
      return ready.spare;
    }
    const caller = Promise.withResolvers<Spare>();
    this.#callers.push(caller);
    this.#grow();
    return caller.promise;
  }

  /** Ends those that wait. Resolves when all lanes have ended, which those with a command do after it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#quiet);
    for (const waiting of this.#ready.splice(0)) dismiss(waiting);
    await Promise.all(this.#live);
  }

  #used(): void {
    const now = performance.now();
    if (now - this.#usedAt < fastMs) this.#spareLimit = spareLimits.busy;
    this.#usedAt = now;
    if (this.#quiet !== undefined) {
      this.#quiet.refresh();
      return;
    }
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined;
      this.#spareLimit = spareLimits.quiet;
      for (const waiting of this.#ready.splice(this.#spareLimit)) dismiss(waiting);
    }, quietAfterMs).unref();
  }

  /** Starts lanes for the callers that none is on the way for, and one ahead. */
  #grow(): void {
    while (this.#starting <= this.#callers.length && !this.#ended) this.#add();
  }

  #add(): void {
    if (this.#live.size >= this.#spareLimit && this.#starting > this.#callers.length) return;
    const life = this.#keep(new Lane(this.#pool, this.env)).finally(() => this.#live.delete(life));
    this.#live.add(life);
  }

  /** The life of a lane: one spare after the other, for as long as it is needed. */
  async #keep(lane: Lane): Promise<void> {
    try {
      for (;;) {
        this.#starting += 1;
        const spare = await lane.prepare().finally(() => {
          this.#starting -= 1;
        });
        this.#offer({ lane, spare });
        await spare.exited;
        this.#forget(spare);
        // The answer to this command goes before the next one's shell.
        await setImmediate();
        if (this.#ended || !lane.isLive || this.#isEnough()) break;
      }
    } catch (error) {
      this.#callers.shift()?.reject(error);
    }
    lane.end();
  }

  #offer(waiting: Waiting): void {
    const caller = this.#callers.shift();
    if (caller !== undefined) caller.resolve(waiting.spare);
    else if (this.#ended) dismiss(waiting);
    else this.#ready.push(waiting);
  }

  /** One that ended while it waited: somebody killed it. */
  #forget(spare: Spare): void {
    const at = this.#ready.findIndex((waiting) => waiting.spare === spare);
    if (at >= 0) this.#ready.splice(at, 1)[0]?.spare.channel[Symbol.dispose]();
  }

  #isEnough(): boolean {
    return this.#ready.length + this.#starting >= this.#spareLimit + this.#callers.length;
  }
}

/** The end of its input tells a spare to end, and its lane then sees the end of its own. */
function dismiss({ lane, spare }: Waiting): void {
  lane.end();
  spare.channel[Symbol.dispose]();
}
