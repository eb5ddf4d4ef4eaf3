import { endToEnd, type RawHeaders } from '@paddock/http/relay';
import { tokenHeader } from '@paddock/protocol';
import { keyHeaders } from './auth.ts';
import { forwardedHeaders } from './mount.ts';
import { idHeader } from './resolve.ts';

const ours = new Set([...keyHeaders, idHeader, tokenHeader]);

interface Sent {
  /** Whether callers need a key. The one that a caller showed us is not for the sandbox. */
  readonly keyed: boolean;
  readonly token: string;
  /** An upgrade has no body, whatever its length says: what follows is of another protocol. */
  readonly isUpgrade: boolean;
  /** Said of how the request came here, in the place of what others said; empty to leave theirs. */
  readonly forwarded: readonly string[];
  /** What belongs to the connection to the sandbox. */
  readonly hop: readonly string[];
}

/** The headers of a request as they go on to the sandbox. */
export function requestHeaders(raw: RawHeaders, sent: Sent): string[] {
  const dropped = (name: string) =>
    ours.has(name) ||
    (sent.keyed && name === 'authorization') ||
    (sent.isUpgrade && name === 'content-length') ||
    (sent.forwarded.length > 0 && forwardedHeaders.has(name));
  const headers = endToEnd(raw, dropped);
  headers.push(...sent.forwarded, tokenHeader, sent.token, ...sent.hop);
  return headers;
}
