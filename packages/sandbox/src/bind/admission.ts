import type { IncomingMessage, ServerResponse } from 'node:http';
import { bootIdHeader, Fault, tokenHeader } from '@paddock/protocol';
import { verifyToken } from '@paddock/protocol/token';
import type { Identity } from './identity.ts';
import type { TrustedKeys } from './trusted-keys.ts';

interface Trust {
  readonly keys: TrustedKeys;
  /** What tokens must be made for: this server's own name among all servers. */
  readonly server: string;
}

/**
 * Who may ask what. The probe `GET /v1/sandbox` is open; an unbound server takes nothing else but a bind with a token
 * for it; a bound one takes only requests with a token for this server.
 *
 * @returns a check that throws the Fault which refuses the request.
 */
export function admission(identity: Identity, trust: Trust) {
  const isValid = tokenCheck(trust);
  return (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader(bootIdHeader, identity.bootId);
    if (request.method === 'GET' && /^\/+v1\/sandbox$/.test(request.url ?? '')) return;
    const token = request.headers[tokenHeader];
    const isBind = request.url === '/bind';
    if (!isBind && !identity.isBound) throw new Fault('not_bound');
    if (typeof token !== 'string' || !isValid(token, isBind ? 'bind' : 'proxy'))
      throw new Fault('token_refused');
  };
}

/** Checks signatures once per token: a gateway uses each for some minutes. */
function tokenCheck({ keys, server }: Trust) {
  let known: { token: string; scope: string; expires: number } | undefined;
  return (token: string, scope: 'bind' | 'proxy'): boolean => {
    const nowSeconds = Date.now() / 1000;
    if (known && known.token === token && known.scope === scope) return known.expires > nowSeconds;
    const verify = () => verifyToken(keys.current, token, { scope, server }, nowSeconds);
    const claims = verify() ?? (keys.refresh() ? verify() : undefined);
    if (!claims) return false;
    known = { token, scope, expires: claims.expires };
    return true;
  };
}
