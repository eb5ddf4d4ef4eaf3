/** The sandbox server's start: from spawn to the first 200. */
import type { Child } from '../../test/support/child.ts';
import type { Connection } from '../../test/support/connection.ts';
import { SandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { apart, type Row, timed } from '../row.ts';

export const startRows: readonly Row[] = [
  {
    name: 'start of the sandbox server',
    unit: 'ms',
    runs: 30,
    block: 1,
    target: 1.5,
    prepare: apart(startOurs, startBare),
  },
];

interface Started extends AsyncDisposable {
  readonly child: Child;
  readonly connection: Connection;
}

/** How long the sandbox server takes from its spawn to its first answer, in milliseconds. */
export function startOurs(): Promise<number> {
  return startOnce(() => new SandboxServer());
}

function startBare(): Promise<number> {
  return startOnce(() => new Baseline('bare'));
}

async function startOnce(start: () => Started): Promise<number> {
  await using resources = new AsyncDisposableStack();
  return await timed(() => untilServing(resources.use(start())));
}

/** Asks again and again until the answer is 200. Throws when the program ends before. */
async function untilServing({ child, connection }: Started): Promise<void> {
  for (;;) {
    child.assertRunning();
    try {
      if ((await connection.send('GET', '/v1/sandbox')).status === 200) return;
    } catch (error) {
      if (!isNotListening(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function isNotListening(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')
  );
}
