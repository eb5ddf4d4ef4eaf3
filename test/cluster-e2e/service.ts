/** A Service of a cluster, as callers reach it who come by its own address. */
import * as z from 'zod/mini';
import type { Cluster } from '../cluster/cluster.ts';
import { forwardPort } from '../cluster/forwarding.ts';
import { stateOf } from '../cluster/layout.ts';
import { findMachine } from '../cluster/machine.ts';
import { waitFor } from '../cluster/wait.ts';
import { Connection } from '../support/connection.ts';

const executed = z.object({
  data: z.object({ stdout: z.string(), stderr: z.string(), exit_code: z.nullable(z.int()) }),
  hint: z.optional(z.nullable(z.string())),
});

/** Which Service of a namespace; by default the one that backends know. */
interface ServiceName {
  readonly name?: string;
  readonly port?: number;
}

/**
 * The Service over a port of this machine, which leads to its address on the node. Each connection goes to a gateway of the
 * cluster's choice. The port is open until the cluster ends.
 */
export class Service implements Disposable {
  readonly url: string;
  readonly #port: number;
  readonly #callers: Connection[] = [];
  readonly #own: Connection;

  private constructor(port: number) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#own = this.connect();
  }

  /** Opens the way, and waits until something answers there. */
  static async open(cluster: Cluster, namespace: string, which: ServiceName = {}): Promise<Service> {
    const { name = 'deer-flow-sandbox', port = 8080 } = which;
    const node = findMachine(stateOf(cluster.name));
    if (!node) throw new Error(`the cluster ${cluster.name} has ended`);
    const address = ['get', 'service', name, '--namespace', namespace, '-o', 'jsonpath={.spec.clusterIP}'];
    const clusterIp = await cluster.kubectlRun(address);
    const service = new Service(await forwardPort(stateOf(cluster.name), node.pid, clusterIp, port));
    const wait = { what: `Service ${name} of namespace ${namespace} answers`, timeoutMs: 60_000 };
    // The node learns a moment after the gateway is ready that the Service leads there.
    await waitFor(wait, async () => (await service.status('GET', '/health')) === 200);
    return service;
  }

  /** Another caller, with connections of its own. */
  connect(): Connection {
    const caller = new Connection({ host: '127.0.0.1', port: this.#port });
    this.#callers.push(caller);
    return caller;
  }

  /** Sends one request. */
  send(...request: Parameters<Connection['send']>): ReturnType<Connection['send']> {
    return this.#own.send(...request);
  }

  /** Sends one request that must succeed; returns the answer's JSON. */
  call(...request: Parameters<Connection['call']>): Promise<unknown> {
    return this.#own.call(...request);
  }

  /** The status that a request is answered with; 0 when the connection breaks. */
  async status(method: string, path: string): Promise<number> {
    return await this.#own.send(method, path).then(
      ({ status }) => status,
      () => 0,
    );
  }

  /** Runs a command in the sandbox of an id, which is made if need be, to its end; throws unless the request succeeds. */
  async run(id: string, command: string) {
    const { status, body } = await this.send('POST', '/v1/bash/exec', { command }, { 'x-sandbox-id': id });
    if (status !== 200) throw new Error(`${command} in ${id} answered ${status}: ${body}`);
    const { data, hint } = executed.parse(JSON.parse(body));
    return { ...data, ...(hint && { hint }) };
  }

  [Symbol.dispose](): void {
    for (const caller of this.#callers) caller[Symbol.dispose]();
  }
}
