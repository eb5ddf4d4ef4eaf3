/** Memory of a bound sandbox server that has nothing to do. */
import { readFileSync } from 'node:fs';
import { startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { untilIdle } from '../idle.ts';
import type { Contest, Row } from '../row.ts';

/** What the kernel sums up in smaps_rollup, in KiB. */
type Sums = Readonly<Record<string, number>>;

export const memoryRows: readonly Row[] = [
  row('idle memory, private', (sums) => (sums.Private_Clean ?? 0) + (sums.Private_Dirty ?? 0)),
  row('idle memory, proportional', (sums) => sums.Pss ?? 0),
];

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
