import { type ClientRequest, request as httpRequest, type IncomingMessage, ServerResponse } from 'node:http';
import { connect, type LookupFunction, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerOnSocket, type ServeOptions, sendFailure } from '@paddock/http';
import { endToEnd, relay, relayUpgrade, requestFraming, upgradeTo } from '@paddock/http/relay';
import { Fault, tokenHeader } from '@paddock/protocol';
import { type ProgramTarget, programTarget } from './target.ts';

/** Both loopback addresses in turn, whatever the sandbox's /etc/hosts says: programs listen on either. */
const loopback = {
  host: 'localhost',
  lookup: ((_host, _options, found) => {
    found(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
  }) satisfies LookupFunction,
  autoSelectFamily: true,
  // Long enough for a program that is slow to take connections. A port on which nobody listens refuses at once.
  autoSelectFamilyAttemptTimeout: 30_000,
};

export interface PortProxyOptions extends Pick<ServeOptions, 'admit' | 'logFault'> {
  /** The port that the sandbox server itself listens on, where it is one. */
  readonly ownPort: number | undefined;
}

/** Passes `/proxy/{port}/…` on to whatever listens on that port of the sandbox's loopback. */
export class PortProxy {
  readonly #options: PortProxyOptions;

  constructor(options: PortProxyOptions) {
    this.#options = options;
  }

  /** Answers a request. Never rejects. */
  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      this.#options.admit?.(request, response);
      const target = programTarget(request.url ?? '/', this.#options.ownPort);
      if (!target.rest.startsWith('/')) return redirectInto(target, response);
      const onward = open(request, target, ['Connection', 'close', ...requestFraming(request)]);
      await relay(request, response, { request: onward, answerHeaders }).catch(blameProgram(target));
    } catch (error) {
      this.#refuse(request, response, error);
    }
  }

  /** Passes an upgrade on. Never rejects. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!(socket instanceof Socket)) return void socket.destroy();
    try {
      this.#options.admit?.(request, new ServerResponse(request));
      const target = programTarget(request.url ?? '/', this.#options.ownPort);
      const onward = open(request, target, upgradeTo(request));
      await relayUpgrade(socket, head, { request: onward, answerHeaders }).catch(blameProgram(target));
    } catch (error) {
      answerOnSocket(request, socket, (response) => this.#refuse(request, response, error));
    }
  }

  #refuse({ method = 'GET', url = '/' }: IncomingMessage, response: ServerResponse, error: unknown): void {
    const at = { method, path: url.split('?', 1)[0] ?? '/' };
    sendFailure(response, error, (id, cause) => this.#options.logFault(id, cause, at));
  }
}

/** Leads a browser to where the program's relative links hold. The way there is relative, too: what is before it stays. */
function redirectInto({ port, rest }: ProgramTarget, response: ServerResponse): void {
  response.writeHead(308, { location: `${port}/${rest}`, 'content-length': 0 });
  response.end();
}

/** A connection of its own for each request: one that is kept could be closed by the program as the next request is sent. */
function open(request: IncomingMessage, { port, rest }: ProgramTarget, added: string[]): ClientRequest {
  return httpRequest({
    createConnection: () => connect({ ...loopback, port }),
    method: request.method,
    path: rest.startsWith('/') ? rest : `/${rest}`,
    headers: [...endToEnd(request.rawHeaders, (name) => name === tokenHeader), ...added],
    setHost: false,
  });
}

function answerHeaders({ rawHeaders }: IncomingMessage): string[] {
  return endToEnd(rawHeaders);
}

function blameProgram({ port }: ProgramTarget) {
  return (error: NodeJS.ErrnoException): never => {
    const neverConnected = error.code === 'ECONNREFUSED' || error.code === 'ETIMEDOUT';
    throw neverConnected
      ? new Fault('program_not_listening', `no program listens on port ${port} of the sandbox`, {
          cause: error,
        })
      : new Fault('program_failed', undefined, { cause: error });
  };
}
