import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Fault } from '@paddock/protocol';
import { isSameSandbox } from './address.ts';

export interface GuardOptions {
  /** Names beside loopback names and addresses. `*.example.com` stands for every name below it. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

/**
 * Keeps web pages out that the user's browser was lured to: a page whose name was pointed at this address (by Host) and
 * a page of another origin (by Origin).
 *
 * @returns a check that throws `host_refused` or `origin_refused`.
 */
export function guard({ allowedHosts, allowedOrigins }: GuardOptions) {
  return ({ headers }: IncomingMessage): void => {
    const host = headers.host ?? '';
    const name = hostname(host);
    const isNamed = isLoopbackName(name) || allowedHosts.some((allowed) => fits(name, allowed));
    if (!isIP(name) && !(isNamed && isWellFormed(name))) {
      throw new Fault('host_refused', `this server does not serve the host "${name.slice(0, 100)}"`);
    }
    const { origin } = headers;
    if (origin === undefined && isLoadedElsewhere(headers))
      throw new Fault('origin_refused', 'pages of other origins may not load this');
    if (origin === undefined || allowedOrigins.includes(origin)) return;
    if (origin !== `http://${host}` && origin !== `https://${host}` && !isSameSandbox(origin, host)) {
      throw new Fault('origin_refused', `pages of the origin "${origin.slice(0, 100)}" may not call`);
    }
  };
}

/** Whether another page loads this into itself, as a script or a picture: browsers name no origin then. A link is none. */
function isLoadedElsewhere(headers: IncomingMessage['headers']): boolean {
  const site = headers['sec-fetch-site'];
  return (site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate';
}

/** The name or address in a Host header, without port, brackets and the dot that ends a full name. */
function hostname(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host);
  const name = bracketed?.[1] ?? host.replace(/:\d+$/, '');
  return name.replace(/\.$/, '').toLowerCase();
}

/** Whether it has only what names have: the end of one counts for nothing behind a character that other readers end it at. */
function isWellFormed(name: string): boolean {
  return /^[a-z0-9._-]+$/.test(name);
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}

function fits(name: string, allowed: string): boolean {
  const wanted = allowed.toLowerCase();
  return wanted.startsWith('*.') ? name.endsWith(wanted.slice(1)) : name === wanted;
}
