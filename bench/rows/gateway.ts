/** What the gateway adds on the way to a sandbox server, beside a bare proxy on the way to the same server. */
import type { Connection } from '../../test/support/connection.ts';
import { growthMib } from '../memory.ts';
import { quantile } from '../quantile.ts';
import { apart, type Contest, type Row, timed } from '../row.ts';
import { download, upload } from '../transfer.ts';
import { openWays, type Ways } from '../ways.ts';

const gib = 2 ** 30;
const file = '/mnt/user-data/workspace/large.bin';

export const gatewayRows: readonly Row[] = [
  addedRow('exec in a session, added by the gateway, p50', { part: 0.5, commands: 300, runs: 11 }),
  // Some twenty commands decide a 99th percentile of 2,000: one run says little, the median of many more.
  addedRow('exec in a session, added by the gateway, p99', { part: 0.99, commands: 2000, runs: 9 }),
  // A rate of 0.7 is a time of 1.43.
  transferRow('1 GiB up, through the gateway', (connection) => upload(connection, file, gib)),
  transferRow('1 GiB down, through the gateway', (connection) => download(connection, file, gib)),
  {
    name: 'memory of the gateway, grown by 1 GiB up and down',
    unit: 'MiB',
    runs: 2,
    block: 1,
    warmUps: 0,
    target: 1.5,
    limit: 128,
    prepare: apart(
      () => growth('gateway'),
      () => growth('proxy'),
    ),
  },
];

interface Sample {
  readonly part: number;
  /** So many on each way for one figure. */
  readonly commands: number;
}

function addedRow(name: string, { runs, ...sample }: Sample & Pick<Row, 'runs'>): Row {
  return {
    name,
    unit: 'ms',
    runs,
    block: 1,
    target: 1.5,
    async prepare(): Promise<Contest> {
      const ways = await openWays();
      return {
        ours: () => added(ways.gateway.connection, ways.direct, sample),
        baseline: () => added(ways.proxy.connection, ways.direct, sample),
        [Symbol.asyncDispose]: () => ways[Symbol.asyncDispose](),
      };
    },
  };
}

/** The difference of a quantile between two ways, each command on one beside a command on the other. */
async function added(through: Connection, direct: Connection, { part, commands }: Sample): Promise<number> {
  const took = { through: [] as number[], direct: [] as number[] };
  for (let i = 0; i < commands; i += 1) {
    took.direct.push(await timed(() => execute(direct)));
    took.through.push(await timed(() => execute(through)));
  }
  return quantile(took.through, part) - quantile(took.direct, part);
}

async function execute(connection: Connection): Promise<void> {
  await connection.call('POST', '/v1/shell/exec', { id: 'bench', command: 'true' });
}

function transferRow(name: string, transfer: (connection: Connection) => Promise<void>): Row {
  return {
    name,
    unit: 'ms',
    runs: 3,
    block: 1,
    target: 1 / 0.7,
    async prepare(): Promise<Contest> {
      await using resources = new AsyncDisposableStack();
      const ways = resources.use(await openWays());
      await upload(ways.direct, file, gib);
      const kept = resources.move();
      return {
        ours: () => timed(() => transfer(ways.gateway.connection)),
        baseline: () => timed(() => transfer(ways.proxy.connection)),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}

/** Of a program that has passed on next to nothing before. */
async function growth(side: Exclude<keyof Ways & string, 'direct'>): Promise<number> {
  await using ways = await openWays();
  const { connection, pid } = ways[side];
  await execute(connection);
  return await growthMib(pid, async () => {
    await upload(connection, file, gib);
    await download(connection, file, gib);
  });
}
