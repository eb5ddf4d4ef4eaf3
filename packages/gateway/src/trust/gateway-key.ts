import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { formatPublicKeys, keyId, signToken, type TokenScope } from '@paddock/protocol/token';

/** How long a token is good for, and for how long one is used again. Their gap is the time a request may wait. */
export const tokenLifeSeconds = 600;
const reuseSeconds = 300;

/** The key pair of a gateway: it signs what the gateway asks of sandbox servers. */
export class GatewayKey {
  #key: KeyObject;
  #id: string;

  /** @param privateKey an Ed25519 key that other gateways have too; by default a new one. */
  constructor(privateKey: KeyObject = generateKeyPairSync('ed25519').privateKey) {
    this.#key = privateKey;
    this.#id = keyId(privateKey);
  }

  /** The public half, as sandbox servers read it. */
  get publicKeys(): string {
    return publicHalves([this.#key]);
  }

  /** Signs with another key from now on. */
  use(privateKey: KeyObject): void {
    this.#key = privateKey;
    this.#id = keyId(privateKey);
  }

  /** A token for one request. */
  token(scope: TokenScope, server: string): string {
    return signToken(this.#key, this.#id, { scope, server, expires: nowSeconds() + tokenLifeSeconds });
  }

  /** A source of tokens for many requests to one server: each token is signed once and used for some minutes. */
  tokens(scope: TokenScope, server: string): () => string {
    let current = { token: '', until: 0 };
    return () => {
      const now = nowSeconds();
      if (now >= current.until) current = { token: this.token(scope, server), until: now + reuseSeconds };
      return current.token;
    };
  }
}

/** The public halves of private keys, as sandbox servers read them. */
export function publicHalves(privateKeys: readonly KeyObject[]): string {
  return formatPublicKeys(new Map(privateKeys.map((key) => [keyId(key), createPublicKey(key)])));
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
