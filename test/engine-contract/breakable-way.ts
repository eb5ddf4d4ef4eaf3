import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import * as z from 'zod/mini';

const shape = z.looseObject({
  clusters: z.array(z.looseObject({ cluster: z.looseObject({ server: z.string() }) })),
});

/** A way to the API server that a test can cut: a port of this machine, and a kubeconfig that leads there. */
export class BreakableWay implements AsyncDisposable {
  readonly kubeconfig: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #open: Set<Socket>;
  #isCut = false;

  private constructor(original: string, target: URL, server: Server, open: Set<Socket>) {
    this.#folder = mkdtempSync(join(tmpdir(), 'way-'));
    this.kubeconfig = join(this.#folder, 'kubeconfig');
    this.#server = server;
    this.#open = open;
    server.on('connection', (near) => this.#join(near, target));
    const { port } = server.address() as AddressInfo;
    const config = shape.parse(parse(original));
    for (const { cluster } of config.clusters) {
      cluster.server = `https://127.0.0.1:${port}`;
      cluster['tls-server-name'] = target.hostname;
    }
    writeFileSync(this.kubeconfig, stringify(config), { mode: 0o600 });
  }

  /** @param path of the kubeconfig that leads there directly. */
  static async open(path: string): Promise<BreakableWay> {
    const original = readFileSync(path, 'utf8');
    const target = new URL(shape.parse(parse(original)).clusters[0]?.cluster.server ?? '');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new BreakableWay(original, target, server, new Set());
  }

  /** Breaks every connection off, and takes no other until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #join(near: Socket, target: URL): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, peer] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#open.add(socket);
      socket.on('error', () => {}); // It was cut.
      socket.on('close', () => {
        this.#open.delete(socket);
        peer.destroy();
      });
      socket.pipe(peer);
    }
  }
}
