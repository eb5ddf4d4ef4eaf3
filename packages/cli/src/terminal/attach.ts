import { setTimeout as delay } from 'node:timers/promises';
import { Link, type LinkEnd } from './link.ts';
import { Screen } from './screen.ts';

const firstPauseMs = 250;
const longestPauseMs = 5_000;
/** A session without anybody goes on, but somebody who waits for longer than this wants to know. */
const limitMs = 60_000;

export interface AttachOptions {
  /** Where the terminal of a session is, of a new one when none is named. */
  readonly addressOf: (session: string | undefined) => {
    readonly url: URL;
    readonly headers: Record<string, string>;
  };
  readonly session: string | undefined;
  /** What leaves the session as it is; undefined for nothing. */
  readonly detachKey: string | undefined;
  readonly signal: AbortSignal;
}

/** How it ended, and in which session; undefined when it never came to one. */
export interface Attached {
  readonly end: LinkEnd;
  readonly session: string | undefined;
}

/**
 * Joins this terminal to that of a session until one of them ends. A connection that breaks is made anew, to the same
 * session, which goes on meanwhile.
 */
export async function attach(options: AttachOptions): Promise<Attached> {
  using terminal = new Attachment(options);
  return await terminal.untilEnd();
}

class Attachment implements Disposable {
  readonly #options: AttachOptions;
  readonly #left = new AbortController();
  #session: string | undefined;
  #link: Link | undefined;
  #screen: Screen | undefined;
  /** When the connection broke, while it is. */
  #brokenMs: number | undefined;

  constructor(options: AttachOptions) {
    this.#options = options;
    this.#session = options.session;
  }

  async untilEnd(): Promise<Attached> {
    const { signal } = this.#options;
    const over = AbortSignal.any([signal, this.#left.signal]);
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      const end = await this.#once(over);
      if (this.#brokenMs === undefined) pauseMs = firstPauseMs;
      const session = this.#session;
      // Without a screen there was no session yet, and a fault is one of the address.
      if (end.by !== 'fault' || !this.#screen || over.aborted) return { end, session };
      this.#brokenMs ??= performance.now();
      if (performance.now() - this.#brokenMs > limitMs) return { end, session };
      if (pauseMs === firstPauseMs) this.#say('the connection broke; connecting again');
      await delay(pauseMs, undefined, { signal: over }).catch(() => {});
      if (over.aborted) return { end: { by: 'us' }, session };
    }
  }

  [Symbol.dispose](): void {
    this.#link?.[Symbol.dispose]();
    this.#screen?.[Symbol.dispose]();
  }

  /** One connection, from its beginning to its end. */
  async #once(over: AbortSignal): Promise<LinkEnd> {
    const { url, headers } = this.#options.addressOf(this.#session);
    using link = new Link(url, headers, {
      ready: (session) => this.#ready(session),
      output: (text) => process.stdout.write(text),
    });
    this.#link = link;
    const leave = () => link[Symbol.dispose]();
    over.addEventListener('abort', leave);
    try {
      return await link.ended;
    } finally {
      over.removeEventListener('abort', leave);
    }
  }

  #ready(session: string): void {
    this.#session = session;
    if (this.#brokenMs !== undefined) this.#say('connected again');
    this.#brokenMs = undefined;
    if (this.#screen) this.#screen.tellSize();
    this.#screen ??= new Screen({
      typed: (text) => this.#typed(text),
      resized: (columns, rows) => this.#link?.resize(columns, rows),
    });
  }

  #typed(text: string): void {
    const { detachKey } = this.#options;
    const at = detachKey === undefined ? -1 : text.indexOf(detachKey);
    this.#link?.type(at < 0 ? text : text.slice(0, at));
    // While there is no session to take it, Ctrl-C is for us.
    if (at >= 0 || (this.#brokenMs !== undefined && text.includes('\x03'))) this.#left.abort();
  }

  #say(text: string): void {
    process.stderr.write(`\r\n[paddock: ${text}]\r\n`);
  }
}
