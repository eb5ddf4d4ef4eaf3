/** The WebSocket /v1/shell/ws: a session's terminal for a person, or for several. */
import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ServeOptions, sendFailure } from '@paddock/http';
import { Fault } from '@paddock/protocol';
import type { WebSocketServer } from 'ws';
import type { ShellSessions } from './sessions.ts';
import { serveTerminal } from './socket.ts';

const path = '/v1/shell/ws';
const limitBytes = 1024 * 1024;

export class TerminalSockets implements Disposable {
  readonly #sessions: ShellSessions;
  readonly #options: Pick<ServeOptions, 'admit' | 'logFault'>;
  #server: Promise<WebSocketServer> | undefined;

  constructor(sessions: ShellSessions, options: Pick<ServeOptions, 'admit' | 'logFault'>) {
    this.#sessions = sessions;
    this.#options = options;
  }

  /** Takes a request to upgrade. It never rejects; resolves when the connection has ended. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const closed = new Promise<void>((resolve) => socket.once('close', resolve));
    socket.on('error', () => socket.destroy());
    const url = new URL(request.url ?? '/', 'http://sandbox');
    try {
      this.#options.admit?.(request, new ServerResponse(request));
      if (url.pathname.replace(/^\/+/, '/') !== path) throw new Fault('route_not_found');
      const server = await this.#started();
      server.handleUpgrade(request, socket, head, (client) =>
        serveTerminal(client, this.#sessions, url.searchParams.get('session_id') || undefined),
      );
    } catch (error) {
      this.#refuse(request, socket, error);
    }
    await closed;
  }

  /** Ends all connections. */
  [Symbol.dispose](): void {
    void this.#server?.then(({ clients }) => {
      for (const client of clients) client.terminate();
    });
  }

  /** Loaded with the first connection: a sandbox whose terminal nobody looks at saves the time and memory. */
  #started(): Promise<WebSocketServer> {
    this.#server ??= import('ws').then(
      ({ WebSocketServer }) => new WebSocketServer({ noServer: true, maxPayload: limitBytes }),
    );
    return this.#server;
  }

  #refuse(request: IncomingMessage, socket: Duplex, error: unknown): void {
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    response.assignSocket(socket);
    const at = { method: request.method ?? 'GET', path };
    sendFailure(response, error, (id, cause) => this.#options.logFault(id, cause, at));
  }
}
