/** Many sandboxes of one gateway at once. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../../test/support/connection.ts';
import { descendants } from '../../test/support/descendants.ts';
import { type Gateway, startGateway } from '../../test/support/gateway.ts';
import { Baseline } from '../baseline.ts';
import { untilIdle } from '../idle.ts';
import { memorySums, privateKib } from '../memory.ts';
import { apart, type Contest, type Row, timed } from '../row.ts';

const crowd = 100;
/** Enough to see what is around each. */
const few = 10;

/** How the command lines of the programs begin that a sandbox is made of. */
const programs = {
  server: /^\/opt\/paddock\/bin\/node /,
  around: /^\S*(bwrap|slirp4netns|pasta) /,
};

export const crowdRows: readonly Row[] = [
  {
    name: '100 sandboxes at once, to the last answer',
    unit: 'ms',
    runs: 1,
    block: 1,
    warmUps: 0,
    prepare: apart(timeSandboxes, timeBare),
  },
  { ...memoryRow('100 sandboxes, private memory of the server of each', 'server', crowd), target: 1.5 },
  memoryRow('10 sandboxes, private memory of what is around each', 'around', few),
];

async function timeSandboxes(): Promise<number> {
  await using gateway = await startGateway();
  return await timed(() => useAll(gateway, crowd));
}

async function timeBare(): Promise<number> {
  await using resources = new AsyncDisposableStack();
  return await timed(() => startBare(resources, crowd));
}

/** A command in each of the sandboxes, which are made by that. */
async function useAll({ connection }: Gateway, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, i) => use(connection, `crowd-${i}`)));
}

async function use(connection: Connection, id: string): Promise<void> {
  for (;;) {
    const command = 'echo $((6 * 7))';
    const headers = { 'x-sandbox-id': id };
    const { status, body } = await connection.send('POST', '/v1/bash/exec', { command }, headers);
    const { code, data } = JSON.parse(body);
    if (code === 'sandbox_starting') continue; // It takes longer than the gateway lets callers wait.
    if (status === 200 && data.stdout === '42\n') return;
    throw new Error(`a sandbox answered ${status}: ${body}`);
  }
}

async function startBare(resources: AsyncDisposableStack, count: number): Promise<Baseline[]> {
  const servers = Array.from({ length: count }, () => resources.use(new Baseline('bare')));
  await Promise.all(
    servers.map(async ({ child, connection }) => {
      await child.firstLine(1);
      await connection.call('GET', '/');
    }),
  );
  return servers;
}

/**
 * Of both sides as many are there at once: what they share, none has for itself.
 *
 * @param part the sandbox servers, or bubblewrap and what makes the network.
 */
function memoryRow(name: string, part: keyof typeof programs, count: number): Row {
  return {
    name,
    unit: 'MiB',
    runs: 1,
    block: 1,
    warmUps: 0,
    async prepare(): Promise<Contest> {
      await using resources = new AsyncDisposableStack();
      const gateway = resources.use(await startGateway({ PADDOCK_WARM_SANDBOXES: '0' }));
      await useAll(gateway, count);
      const bare = await startBare(resources, count);
      await delay(restMs);
      await untilIdle(gateway.child.pid);
      const ours = descendants(gateway.child.pid).filter(({ line }) => programs[part].test(line));
      if (ours.length < count) throw new Error(`${count} sandboxes have ${ours.length} such processes`);
      const kept = resources.move();
      return {
        ours: async () => sumMib(ours.map(({ pid }) => pid)) / count,
        baseline: async () => sumMib(bare.map(({ child }) => child.pid)) / count,
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}

/** Servers give memory back some seconds after their last request. */
const restMs = 8_000;

function sumMib(pids: readonly number[]): number {
  return pids.map((pid) => privateKib(memorySums(pid))).reduce((sum, kib) => sum + kib, 0) / 1024;
}
