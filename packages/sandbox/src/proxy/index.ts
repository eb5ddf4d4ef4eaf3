/** Programs in the sandbox that listen on a port. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { PortProxy, PortProxyOptions } from './proxy.ts';
import { programPrefix } from './target.ts';

/** The way to programs. It is loaded with the first request to one: most sandboxes never get any. */
export class Programs {
  readonly #options: PortProxyOptions;
  #proxy: Promise<PortProxy> | undefined;

  constructor(options: PortProxyOptions) {
    this.#options = options;
  }

  /** Whether a request is for a program. */
  takes({ url = '/' }: IncomingMessage): boolean {
    return url.startsWith(programPrefix);
  }

  /** Answers a request that it takes. */
  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return (await this.#load()).request(request, response);
  }

  /** Passes an upgrade on. Resolves when the connection has ended. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once('close', resolve));
    socket.on('error', () => socket.destroy());
    await (await this.#load()).upgrade(request, socket, head);
    await closed;
  }

  #load(): Promise<PortProxy> {
    this.#proxy ??= import('./proxy.ts').then(({ PortProxy }) => new PortProxy(this.#options));
    return this.#proxy;
  }
}
