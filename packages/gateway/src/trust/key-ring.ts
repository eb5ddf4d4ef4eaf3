import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { loadKeys } from '@paddock/config';
import type { Logger } from 'pino';

/** Whoever sends the one key of SANDBOX_API_KEY, or anyone where no key is asked for. */
export const soleOwner = 'owner';

/** How often a file of keys is looked at again, at most. */
const lookEveryMs = 1_000;

export interface KeyRingOptions {
  /** The one key, whose callers are one owner. */
  readonly apiKey: string | undefined;
  /** A file of keys by owner, read again when it changes. */
  readonly keysFile: string | undefined;
  readonly log: Logger;
}

/** The keys that callers may send, and whose each is. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #owners: ReadonlyMap<string, string>;
  #lookedMs = 0;
  #version = '';

  /** @throws {ConfigError} when the file of keys cannot be used. */
  constructor(options: KeyRingOptions) {
    this.#options = options;
    this.#owners = this.#read();
  }

  /** True when callers need a key. */
  get keyed(): boolean {
    return this.#options.apiKey !== undefined || this.#options.keysFile !== undefined;
  }

  /** Whose key this is. Keys are compared by their hashes, so that the time it takes tells nothing of them. */
  ownerOf(key: string): string | undefined {
    this.#lookAgain();
    return this.#owners.get(digest(key));
  }

  #lookAgain(): void {
    const now = Date.now();
    if (this.#options.keysFile === undefined || now - this.#lookedMs < lookEveryMs) return;
    this.#lookedMs = now;
    try {
      if (versionOf(this.#options.keysFile) !== this.#version) this.#owners = this.#read();
    } catch (error) {
      // Those that were good stay good: a slip in an editor must not lock everyone out.
      this.#options.log.error({ err: error }, 'the file of keys cannot be used; its last keys stay valid');
    }
  }

  #read(): ReadonlyMap<string, string> {
    const { apiKey, keysFile, log } = this.#options;
    const owners = new Map(apiKey === undefined ? [] : [[digest(apiKey), soleOwner]]);
    if (keysFile === undefined) return owners;
    this.#version = versionOf(keysFile);
    for (const [owner, keys] of loadKeys(keysFile)) {
      for (const key of keys) owners.set(/^sha256:([0-9a-f]{64})$/.exec(key)?.[1] ?? digest(key), owner);
    }
    log.info({ owners: new Set(owners.values()).size }, 'keys read');
    return owners;
  }
}

function versionOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${ino} ${mtimeMs} ${size}`;
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
