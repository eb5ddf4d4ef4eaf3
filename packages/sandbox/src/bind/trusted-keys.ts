import { readFileSync } from 'node:fs';
import { type PublicKeys, parsePublicKeys } from '@paddock/protocol/token';

/** Where the gateways' public keys stand: as text, or in a file that changes when keys are rotated. */
export type KeySource = { readonly text: string } | { readonly path: string };

/** How often the file is looked at for a key that is not known, at most: anyone may send tokens with made-up keys. */
const lookEveryMs = 1_000;

/** The public keys of the gateways that may bind and use this server. */
export class TrustedKeys {
  readonly #source: KeySource;
  #keys: PublicKeys;
  #readMs = Date.now();

  /** @throws {Error} when the keys cannot be read. */
  constructor(source: KeySource) {
    this.#source = source;
    this.#keys = read(source);
  }

  get current(): PublicKeys {
    return this.#keys;
  }

  /** Reads the file again when its time has come. True when there may be other keys now. */
  refresh(): boolean {
    if (!('path' in this.#source) || Date.now() - this.#readMs < lookEveryMs) return false;
    this.#readMs = Date.now();
    try {
      this.#keys = read(this.#source);
      return true;
    } catch {
      return false; // Those that were good stay good while the file is being replaced.
    }
  }
}

function read(source: KeySource): PublicKeys {
  return parsePublicKeys('path' in source ? readFileSync(source.path, 'utf8') : source.text);
}
