import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Handlers, Routes, serve } from '@paddock/http';
import type { OperationGroup } from '@paddock/protocol';

export interface ApiAnswer {
  readonly status: number;
  // Tests say what they expect of it, and fail where it is something else.
  readonly body: { readonly [field: string]: unknown; readonly data?: unknown };
}

/** A server of one capability, over real HTTP. */
export class TestApi implements AsyncDisposable {
  readonly #server;
  readonly faults: unknown[] = [];

  constructor(register: (routes: Routes) => Routes) {
    const routes = register(new Routes());
    const options = {
      limitBytes: 2 ** 20,
      logFault: (_id: string, fault: unknown) => this.faults.push(fault),
    };
    this.#server = createServer((request, response) => void serve(routes, options, request, response));
  }

  static async of<Group extends OperationGroup>(group: Group, handlers: Handlers<Group>): Promise<TestApi> {
    const api = new TestApi((routes) => routes.add(group, handlers));
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async call(path: string, body: unknown = {}): Promise<ApiAnswer> {
    const response = await fetch(this.origin + path, { method: 'POST', body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as ApiAnswer['body'] };
  }

  async get(path: string): Promise<ApiAnswer> {
    const response = await fetch(this.origin + path);
    return { status: response.status, body: (await response.json()) as ApiAnswer['body'] };
  }

  /** The data of an answer that must be a success. */
  async data(path: string, body: unknown = {}): Promise<Record<string, unknown>> {
    const answer = await this.call(path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return Object(answer.body.data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
