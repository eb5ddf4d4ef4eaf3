/** What the address that a caller used says: the host that it named, and the program that this stands for. */
import type { IncomingMessage } from 'node:http';
import { valuesOf } from '@paddock/http/relay';
import { Fault } from '@paddock/protocol';
import type { SandboxName } from '../engines/engine.ts';

/** A port of a sandbox that has a host of its own: `{port}-{name}.<domain>`. */
export interface ProgramHost {
  readonly port: string;
  readonly name: SandboxName;
}

/**
 * The program whose host this is.
 *
 * @param host the Host header's value.
 * @param domain what comes after the program's own label.
 */
export function programHost(host: string, domain: string): ProgramHost | undefined {
  const [, port, name, rest] = /^([1-9]\d{0,4})-([0-9a-f]{32})\.([^:]+?)\.?(?::\d+)?$/i.exec(host) ?? [];
  if (port === undefined || name === undefined || rest?.toLowerCase() !== domain.toLowerCase())
    return undefined;
  return { port, name: name.toLowerCase() as SandboxName };
}

/**
 * Where the programs of a sandbox are for a caller who came by `base`; `{port}` stands for a port. Undefined where the
 * domain would not lead back here: names below localhost are this machine's own.
 */
export function programUrl(base: URL, name: SandboxName, domain: string): string | undefined {
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$|\.localhost$/.test(base.hostname);
  if (/(^|\.)localhost$/i.test(domain) && !isHere) return undefined;
  return `${base.protocol}//{port}-${name}.${domain}${base.port && `:${base.port}`}`;
}

/** Whether an origin is that of a program in the sandbox that the host is of: a page and the API that it calls are often two. */
export function isSameSandbox(origin: string, host: string): boolean {
  const ofProgram = /^(?:https?:\/\/)?[1-9]\d{0,4}-([0-9a-f]{32}\..+)$/i;
  const place = ofProgram.exec(host)?.[1];
  return place !== undefined && ofProgram.exec(origin)?.[1]?.toLowerCase() === place.toLowerCase();
}

/**
 * The host that a request names, once.
 *
 * @throws {Fault} `host_refused` when it names several, in two Host headers or in a target that is an absolute URI: whoever
 * passed it on may have gone by another one than we do (RFC 9112, 3.2).
 */
export function hostOf(request: IncomingMessage): string {
  const [host = '', another] = valuesOf(request.rawHeaders, 'host');
  if (another !== undefined)
    throw new Fault('host_refused', 'the request has more than one Host header', { hint: oneHost });
  const authority = absolute.exec(request.url ?? '')?.[1];
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase())
    throw new Fault('host_refused', 'the target names another host than the Host header', { hint: oneHost });
  return host;
}

const oneHost = 'Name the host once.';

/** A request target that is an absolute URI: its authority, and the rest. */
export const absolute = /^https?:\/\/([^/?]*)(.*)$/is;
