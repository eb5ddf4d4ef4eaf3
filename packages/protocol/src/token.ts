/**
 * Gateway tokens: short-lived, signed with Ed25519, made for one sandbox server and one scope.
 *
 * `<key id>.<claims in base64url JSON>.<signature in base64url>`. The sandbox server holds public keys only, so that
 * code which takes a sandbox over can make tokens for nobody.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import * as z from 'zod/mini';

/** What a token allows: to bind the server once, or to send it requests. */
export type TokenScope = 'bind' | 'proxy';

const claims = z.object({
  scope: z.enum(['bind', 'proxy']),
  /** The server's own identity: the pod's UID, or the local engine's slot. */
  server: z.string(),
  /** Seconds since 1970. */
  expires: z.int(),
});
export type TokenClaims = z.output<typeof claims>;

/** Public keys by key id. Two are valid during a rotation. */
export type PublicKeys = ReadonlyMap<string, KeyObject>;

/** The id of a key: the start of the SHA-256 of its public half. */
export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')
    .slice(0, 16);
}

/** Makes a token. `key` is an Ed25519 private key. */
export function signToken(key: KeyObject, id: string, token: TokenClaims): string {
  const payload = Buffer.from(JSON.stringify(token)).toString('base64url');
  const signature = sign(null, Buffer.from(`${id}.${payload}`), key).toString('base64url');
  return `${id}.${payload}.${signature}`;
}

/** The claims of a token that one of the keys signed for this server and scope and that has not expired, else undefined. */
export function verifyToken(
  keys: PublicKeys,
  token: string,
  expected: { readonly scope: TokenScope; readonly server: string },
  nowSeconds: number,
): TokenClaims | undefined {
  const [id, payload, signature, ...rest] = token.split('.');
  if (!id || !payload || !signature || rest.length > 0) return undefined;
  const key = keys.get(id);
  if (!key) return undefined;
  if (!verify(null, Buffer.from(`${id}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return undefined;
  const parsed = claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
  if (!parsed.success) return undefined;
  const { scope, server, expires } = parsed.data;
  return scope === expected.scope && server === expected.server && expires > nowSeconds
    ? parsed.data
    : undefined;
}

/** Reads public keys as they are handed to a sandbox server: a JSON object of key id to SPKI PEM. */
export function parsePublicKeys(json: string): PublicKeys {
  const pems = z.record(z.string(), z.string()).parse(JSON.parse(json));
  return new Map(Object.entries(pems).map(([id, pem]) => [id, createPublicKey(pem)]));
}

/** The form that `parsePublicKeys` reads. */
export function formatPublicKeys(keys: PublicKeys): string {
  return JSON.stringify(
    Object.fromEntries(
      Array.from(keys, ([id, key]) => [id, key.export({ type: 'spki', format: 'pem' }).toString()]),
    ),
  );
}
