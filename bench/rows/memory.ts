/** Memory of a bound sandbox server: when it has nothing to do, at first and after much work, and during a large transfer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type SandboxServer, startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { untilIdle } from '../idle.ts';
import { growthMib, memorySums, privateKib, type Sums } from '../memory.ts';
import { apart, type Row } from '../row.ts';
import { bytesOf, download, upload } from '../transfer.ts';

export const memoryRows: readonly Row[] = [
  row('idle memory, private', privateKib),
  row('idle memory, proportional', (sums) => sums.Pss ?? 0),
  afterWork('memory after work, resident', (sums) => sums.Rss ?? 0),
  afterWork('memory after work, proportional', (sums) => sums.Pss ?? 0),
  grownRow(),
];

const flood = 'yes | head -c 200000000';
const fileBytes = 64 * 1024 * 1024;
const largeBytes = 2 * 2 ** 30;
const commands = 500;
const restMs = 10_000;

function row(name: string, kib: (sums: Sums) => number): Row {
  return {
    name,
    unit: 'MiB',
    runs: 4,
    block: 1,
    warmUps: 0,
    target: 1.4,
    prepare: apart(
      () => measureBeside(startSandboxServer, kib),
      () => measureBeside(startBare, kib),
    ),
  };
}

/** Beside a second one, as on every machine with sandboxes: else pages of the program that they share count as private. */
async function measureBeside(start: () => Promise<Started>, kib: (sums: Sums) => number): Promise<number> {
  await using other = await start();
  await untilIdle(other.child.pid);
  return await measureIdle(start, kib);
}

/** Beside what the same server had before. */
function afterWork(name: string, kib: (sums: Sums) => number): Row {
  return {
    name,
    unit: 'MiB',
    runs: 2,
    block: 1,
    warmUps: 0,
    target: 2.5,
    prepare: apart(
      async () => {
        await using server = await startSandboxServer();
        await work(server);
        await setTimeout(restMs);
        return kib(memorySums(server.child.pid)) / 1024;
      },
      () => measureIdle(startSandboxServer, kib),
    ),
  };
}

/** 200 MB printed to each kind of shell, 64 MiB up and down, 1,000 commands. */
async function work({ connection, folder }: SandboxServer): Promise<void> {
  const exec = (command: string) =>
    Promise.all([
      connection.call('POST', '/v1/shell/exec', { id: 'bench', command }),
      connection.call('POST', '/v1/bash/exec', { command }),
    ]);
  await exec(flood);
  const path = join(folder, 'large');
  await upload(connection, path, fileBytes);
  await download(connection, path, fileBytes);
  for (let i = 0; i < commands; i += 1) await exec('true');
}

function grownRow(): Row {
  return {
    name: 'memory grown by 2 GiB up and down',
    unit: 'MiB',
    runs: 2,
    block: 1,
    warmUps: 0,
    limit: 64,
    prepare: apart(growthOfOurs, growthOfBare),
  };
}

async function growthOfOurs(): Promise<number> {
  await using server = await startSandboxServer();
  const path = join(server.folder, 'large');
  await untilIdle(server.child.pid);
  return await growthMib(server.child.pid, async () => {
    await upload(server.connection, path, largeBytes);
    await download(server.connection, path, largeBytes);
  });
}

async function growthOfBare(): Promise<number> {
  await using resources = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'bench-growth-'));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  const { child, connection } = resources.use(new Baseline('files'));
  await child.firstLine(1);
  const path = encodeURIComponent(join(folder, 'large'));
  await untilIdle(child.pid);
  return await growthMib(child.pid, async () => {
    await connection.transfer('POST', `/up?path=${path}`, { body: bytesOf(largeBytes) });
    await connection.transfer('GET', `/down?path=${path}`);
  });
}

interface Started extends AsyncDisposable {
  readonly child: { readonly pid: number };
}

async function startBare(): Promise<Baseline> {
  const server = new Baseline('bare');
  await server.child.firstLine(1);
  await server.connection.call('GET', '/');
  return server;
}

async function measureIdle(start: () => Promise<Started>, kib: (sums: Sums) => number): Promise<number> {
  await using server = await start();
  await untilIdle(server.child.pid);
  return kib(memorySums(server.child.pid)) / 1024;
}
