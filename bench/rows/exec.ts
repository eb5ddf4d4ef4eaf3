/** A command that does nothing: in a live session, and in a shell of its own. */
import type { Connection } from '../../test/support/connection.ts';
import { startGateway } from '../../test/support/gateway.ts';
import { startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { type Contest, type Row, timed } from '../row.ts';

interface Path {
  readonly path: string;
  readonly body: unknown;
}

const shellExec: Path = { path: '/v1/shell/exec', body: { id: 'bench', command: 'true' } };
const bashExec: Path = { path: '/v1/bash/exec', body: { command: 'true' } };

export const execRows: readonly Row[] = [
  { ...row('exec in a session', shellExec, 'pipe', direct), target: 2.5 },
  row('exec in a session, through the gateway', shellExec, 'pipe', throughGateway),
  { ...row('exec in a new shell', bashExec, 'spawn', direct), target: 0.6 },
  row('exec in a new shell, through the gateway', bashExec, 'spawn', throughGateway),
  { ...row('exec in a new shell, 16 at once, each', bashExec, 'spawn', direct, 16), target: 1 / 1.4 },
];

interface Started extends AsyncDisposable {
  readonly connection: Connection;
}

/** @param atOnce so many requests at the same time, whose time is shared out among them */
function row(
  name: string,
  request: Path,
  baseline: 'pipe' | 'spawn',
  start: () => Promise<Started>,
  atOnce = 1,
): Row {
  return {
    name,
    unit: 'ms',
    runs: atOnce === 1 ? 500 : 50,
    block: atOnce === 1 ? 50 : 10,
    async prepare(): Promise<Contest> {
      await using resources = new AsyncDisposableStack();
      const other = resources.use(new Baseline(baseline));
      const ours = resources.use(await start());
      await other.child.firstLine(1);
      const kept = resources.move();
      return {
        ours: () => each(atOnce, () => execute(ours.connection, request)),
        baseline: () => each(atOnce, () => execute(other.connection, { path: '/', body: request.body })),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}

async function each(atOnce: number, work: () => Promise<void>): Promise<number> {
  return (await timed(() => Promise.all(Array.from({ length: atOnce }, work)))) / atOnce;
}

async function direct(): Promise<Started> {
  return startSandboxServer();
}

async function throughGateway(): Promise<Started> {
  return startGateway();
}

async function execute(connection: Connection, { path, body }: Path): Promise<void> {
  const answer = (await connection.call('POST', path, body)) as { data?: { exit_code?: unknown } };
  if (answer.data?.exit_code !== 0)
    throw new Error(`${path} did not run the command: ${JSON.stringify(answer)}`);
}
