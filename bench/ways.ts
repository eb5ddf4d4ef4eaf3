/** Three ways to one sandbox server: straight to it, through the gateway, and through a bare proxy. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenHeader } from '@paddock/protocol';
import { Child } from '../test/support/child.ts';
import { Connection } from '../test/support/connection.ts';
import { startGateway } from '../test/support/gateway.ts';
import { untilIdle } from './idle.ts';

/** A way to the server, by a program in between. */
interface Way {
  readonly connection: Connection;
  readonly pid: number;
}

export interface Ways extends AsyncDisposable {
  readonly direct: Connection;
  readonly gateway: Way;
  readonly proxy: Way;
}

/** Starts a gateway with a sandbox, and a bare proxy to the server of that sandbox. */
export async function openWays(): Promise<Ways> {
  await using resources = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'bench-ways-'));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'overheard.json');
  const gateway = resources.use(
    await startGateway({
      NODE_OPTIONS: `--require=${join(import.meta.dirname, 'overhear.cjs')}`,
      BENCH_OVERHEAR: JSON.stringify({ file, tokenHeader }),
    }),
  );
  await gateway.connection.call('POST', '/v1/shell/exec', { command: 'true' });
  await untilIdle(gateway.child.pid); // It replaces the warm sandbox that this one was.
  const { socketPath, token } = JSON.parse(readFileSync(file, 'utf8')) as {
    socketPath: string;
    token: string;
  };
  const headers = { [tokenHeader]: token };
  const direct = resources.use(new Connection({ socketPath }, headers));
  const proxy = resources.use(
    new Child(join(import.meta.dirname, 'baselines/proxy.cjs'), { PATH: process.env.PATH }, [socketPath]),
  );
  const port = Number(await proxy.firstLine(1));
  const throughProxy = resources.use(new Connection({ host: '127.0.0.1', port }, headers));
  const kept = resources.move();
  return {
    direct,
    gateway: { connection: gateway.connection, pid: gateway.child.pid },
    proxy: { connection: throughProxy, pid: proxy.pid },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
