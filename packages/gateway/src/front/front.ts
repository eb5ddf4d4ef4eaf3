import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answerOnSocket, type FaultLog, type Routes, sendFailure, serve } from '@paddock/http';
import { valuesOf } from '@paddock/http/relay';
import { Fault } from '@paddock/protocol';
import type { Fleet, Upstream } from '../fleet/index.ts';
import { hostOf, programHost } from './address.ts';
import type { Auth } from './auth.ts';
import type { Mount } from './mount.ts';
import type { Probe } from './probe.ts';
import { forward, forwardUpgrade } from './proxy.ts';
import { type Destination, idHeader, queryOf, resolve } from './resolve.ts';

/** JSON bodies of the gateway's own operations. Those for sandboxes are streamed, whatever their size. */
const limitBytes = 1024 * 1024;

export interface FrontOptions {
  readonly fleet: Fleet;
  readonly auth: Auth;
  readonly probe: Probe;
  /** The gateway's own operations. */
  readonly routes: Routes;
  /** Throws the Fault that refuses a request whatever it is for. */
  readonly guard: (request: IncomingMessage) => void;
  /** Throws the Fault that refuses whoever asks, whatever the request says. */
  readonly refusePeer: (request: IncomingMessage) => void;
  /** Below it lie the hosts of programs. */
  readonly programDomain: string;
  readonly isDraining: () => boolean;
  readonly logFault: FaultLog;
}

/** A browser that opens a program's page asks its user for the key then: as the password, the name does not matter. */
const askInBrowser = { 'www-authenticate': 'Basic realm="Paddock: the key as password", charset="UTF-8"' };

type Passage = Exclude<Destination, { to: 'gateway' }>;

/** Where every request enters: it is checked, resolved, and answered here or passed on to its sandbox. */
export class Front {
  readonly #options: FrontOptions;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** Answers a request. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const destination = this.#admit(request);
      if (destination.to === 'gateway') {
        const { routes, logFault } = this.#options;
        return await serve(routes, { limitBytes, logFault }, request, response);
      }
      const upstream = await this.#upstream(destination, request);
      if (response.destroyed) return;
      if (!upstream) return sendProbe(response, await this.#options.probe.answer());
      await counted(upstream, destination, () =>
        forward(request, response, this.#forwarding(destination, upstream)),
      );
    } catch (error) {
      sendFailure(response, error, (id, cause) => this.#logFault(id, cause, request));
    }
  }

  /** Passes an upgrade such as a WebSocket on. Never rejects. */
  async handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy()); // The client has gone in the middle.
    try {
      const destination = this.#admit(request);
      const upstream = destination.to === 'gateway' ? undefined : await this.#upstream(destination, request);
      if (destination.to === 'gateway' || !upstream)
        throw new Fault('route_not_found', 'nothing to upgrade to here');
      await counted(upstream, destination, () =>
        forwardUpgrade(request, socket, head, this.#forwarding(destination, upstream)),
      );
    } catch (error) {
      answerOnSocket(request, socket, (response) => {
        sendFailure(response, error, (id, cause) => this.#logFault(id, cause, request));
      });
    }
  }

  #admit(request: IncomingMessage): Destination {
    const host = hostOf(request);
    this.#options.refusePeer(request);
    this.#options.guard(request);
    if (this.#options.isDraining())
      throw new Fault('draining', undefined, { headers: { connection: 'close' } });
    return resolve({
      target: request.url ?? '/',
      ids: valuesOf(request.rawHeaders, idHeader),
      program: programHost(host, this.#options.programDomain),
    });
  }

  /** The server that a request goes to; undefined for a probe that no sandbox of the caller's can answer. */
  async #upstream(destination: Passage, request: IncomingMessage): Promise<Upstream | undefined> {
    const { fleet } = this.#options;
    const owner = await this.#owner(destination, request);
    switch (destination.to) {
      case 'existing':
        return fleet.reach(owner, destination.id);
      case 'sandbox':
        return fleet.ensure(owner, destination.id);
      case 'probe': {
        const member = fleet.find(owner, destination.id);
        return member?.upstream ?? (member?.serves ? fleet.reach(owner, destination.id) : undefined);
      }
      case 'program': {
        const claim = (await fleet.byName(destination.name))?.claim;
        if (claim?.owner !== owner)
          throw new Fault('sandbox_not_found', 'there is no sandbox of the name in the host');
        return fleet.reach(owner, claim.id);
      }
    }
  }

  async #owner(destination: Passage, request: IncomingMessage): Promise<string> {
    const { auth, fleet } = this.#options;
    if (destination.to === 'existing' && destination.secret !== undefined) {
      const { id, secret } = destination;
      const opened = await fleet.opened(id, (name) => auth.opens(name, secret));
      if (opened) return opened.claim.owner;
    }
    try {
      return auth.owner(request.headers, queryOf(request.url ?? '/'));
    } catch (error) {
      if (destination.to !== 'program' || !(error instanceof Fault)) throw error;
      throw new Fault(error.code, error.message, { cause: error, headers: askInBrowser });
    }
  }

  #forwarding(destination: Passage, upstream: Upstream) {
    const { keyed } = this.#options.auth;
    const target = keyed ? withoutKey(destination.target) : destination.target;
    return { upstream, target, keyed, mount: mountOf(destination) };
  }

  #logFault(id: string, error: unknown, request: IncomingMessage): void {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    this.#options.logFault(id, error, { method: request.method ?? 'GET', path: withoutSecret(path) });
  }
}

/** Counts as use of the sandbox while it lasts. Asking whether it is there is none. */
async function counted(upstream: Upstream, destination: Passage, work: () => Promise<void>): Promise<void> {
  const isProbe = /^\/v1\/sandbox(\?|$)/.test(destination.target);
  const end = isProbe ? () => {} : upstream.begin();
  try {
    await work();
  } finally {
    end();
  }
}

function sendProbe(response: ServerResponse, context: unknown): void {
  const body = JSON.stringify(context);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function mountOf(destination: Passage): Mount {
  if (destination.to === 'program') return { on: 'host' };
  const program = /^\/proxy\/[^/?]+/.exec(destination.target)?.[0];
  if (program === undefined) return { on: 'api' };
  if (destination.to !== 'existing') return { on: 'path', prefix: program, isSecret: false };
  const { id, secret } = destination;
  const ending = secret === undefined ? '' : `.${secret}`;
  return { on: 'path', prefix: `/s/${id}${ending}${program}`, isSecret: secret !== undefined };
}

/** The target without the key that it may carry, however that is encoded; the rest of it byte for byte. */
function withoutKey(target: string): string {
  const [path = '', query] = splitOnce(target, '?');
  if (query === undefined) return target;
  const isKey = (part: string) =>
    [...new URLSearchParams(part).keys()].some((name) => /^api_key$/i.test(name));
  const kept = query.split('&').filter((part) => !isKey(part));
  return kept.length > 0 ? `${path}?${kept.join('&')}` : path;
}

/** A path as it may be logged: what stands for a key in it is not for logs. */
function withoutSecret(path: string): string {
  return path.replace(/(\/s\/[^/.]*\.)[^/]+/, '$1…');
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const cut = text.indexOf(separator);
  return cut < 0 ? [text, undefined] : [text.slice(0, cut), text.slice(cut + 1)];
}
