import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'vitest';
import { root } from './source.ts';

/** The part of the package `ws` that is used here. */
interface Socket {
  readonly readyState: number;
  send(data: string): void;
  ping(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  on(event: 'open' | 'pong', listener: () => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'close', listener: (code: number, reason: Buffer) => void): void;
}
interface Ws {
  readonly WebSocket: new (url: string, options: { headers: Readonly<Record<string, string>> }) => Socket;
}
const { WebSocket } = createRequire(join(root, 'packages/sandbox/package.json'))('ws') as Ws;

/** A client of a WebSocket. Unlike Node's own it can send headers, which browsers and programs do. */
export class WebSocketClient implements AsyncDisposable {
  readonly messages: string[] = [];
  /** Code and reason of the end. */
  readonly closed: Promise<[code: number, reason: string]>;
  /** Whether it was let in; else with what it was refused, in words. */
  readonly opened: Promise<true | string>;
  readonly #socket: Socket;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.#socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    this.#socket.on('message', (data) => this.messages.push(data.toString()));
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', (code, reason) => resolve([code, reason.toString()]));
    });
    this.opened = new Promise((resolve) => {
      this.#socket.on('open', () => resolve(true));
      this.#socket.on('error', ({ message }) => resolve(message));
    });
  }

  /** Connects, and throws when it is not let in. */
  static async open(url: string, headers?: Readonly<Record<string, string>>): Promise<WebSocketClient> {
    const client = new WebSocketClient(url, headers);
    expect(await client.opened).toBe(true);
    return client;
  }

  send(data: string): void {
    this.#socket.send(data);
  }

  /** Sends a ping of the protocol itself and waits for its answer. */
  async ping(): Promise<void> {
    const pong = new Promise<void>((resolve) => this.#socket.on('pong', resolve));
    this.#socket.ping();
    await pong;
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Waits for a message that fits, among those that were not waited for before. */
  async message(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.messages.join('\n'), { timeout: 10_000 }).toMatch(pattern);
    const at = this.messages.findIndex((message) => pattern.test(message));
    const [found = ''] =
      at < 0 ? [this.messages.splice(0).join('\n')] : this.messages.splice(0, at + 1).slice(-1);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.closed;
  }
}
