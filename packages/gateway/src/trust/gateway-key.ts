import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { formatPublicKeys, keyId, signToken, type TokenScope } from '@paddock/protocol/token';

/** How long a token is good for, and for how long one is used again. Their gap is the time a request may wait. */
const lifeSeconds = 600;
const reuseSeconds = 300;

/** The key pair of a gateway: it signs what the gateway asks of sandbox servers. */
export class GatewayKey {
  readonly #key: KeyObject;
  readonly #id: string;
  /** The public half, as sandbox servers read it. */
  readonly publicKeys: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.#key = privateKey;
    this.#id = keyId(publicKey);
    this.publicKeys = formatPublicKeys(new Map([[this.#id, publicKey]]));
  }

  /** A token for one request. */
  token(scope: TokenScope, server: string): string {
    return signToken(this.#key, this.#id, { scope, server, expires: nowSeconds() + lifeSeconds });
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

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
