/** Memory of a bound sandbox server that has nothing to do: at first, and after much work. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type SandboxServer, startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { untilIdle } from '../idle.ts';
import type { Contest, Row } from '../row.ts';

/** What the kernel sums up in smaps_rollup, in KiB. */
type Sums = Readonly<Record<string, number>>;

export const memoryRows: readonly Row[] = [
  row('idle memory, private', (sums) => (sums.Private_Clean ?? 0) + (sums.Private_Dirty ?? 0)),
  row('idle memory, proportional', (sums) => sums.Pss ?? 0),
  afterWork('memory after work, resident', (sums) => sums.Rss ?? 0),
  afterWork('memory after work, proportional', (sums) => sums.Pss ?? 0),
];

const flood = 'yes | head -c 200000000';
const fileBytes = 64 * 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, 'x');
const commands = 500;
const restMs = 10_000;

function row(name: string, kib: (sums: Sums) => number): Row {
  return {
    name,
    unit: 'MiB',
    runs: 5,
    block: 1,
    target: 1.4,
    async prepare(): Promise<Contest> {
      return {
        ours: () => measureIdle(startSandboxServer, kib),
        baseline: () => measureIdle(startBare, kib),
        async [Symbol.asyncDispose]() {},
      };
    },
  };
}

/** Beside what the same server had before. */
function afterWork(name: string, kib: (sums: Sums) => number): Row {
  return {
    name,
    unit: 'MiB',
    runs: 3,
    block: 1,
    target: 2.5,
    async prepare(): Promise<Contest> {
      return {
        async ours() {
          await using server = await startSandboxServer();
          await work(server);
          await setTimeout(restMs);
          return kib(memorySums(server.child.pid)) / 1024;
        },
        baseline: () => measureIdle(startSandboxServer, kib),
        async [Symbol.asyncDispose]() {},
      };
    },
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
  const boundary = 'boundary-of-the-form';
  const { status } = await connection.transfer('POST', '/v1/file/upload', {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: form(boundary, path),
  });
  if (status !== 200) throw new Error(`the upload answered ${status}`);
  await connection.transfer('GET', `/v1/file/download?path=${encodeURIComponent(path)}`);
  for (let i = 0; i < commands; i += 1) await exec('true');
}

function* form(boundary: string, path: string): Generator<Buffer> {
  const part = `--${boundary}\r\ncontent-disposition: form-data; name=`;
  yield Buffer.from(`${part}"path"\r\n\r\n${path}\r\n${part}"file"; filename="large"\r\n\r\n`);
  for (let sent = 0; sent < fileBytes; sent += chunk.length) yield chunk;
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
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

function memorySums(pid: number): Sums {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^(\w+): +(\d+) kB$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, kib]) => [name, Number(kib)]));
}
