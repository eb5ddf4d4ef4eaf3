/** A command that prints 200 MB: how long it takes. */
import { startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { type Contest, type Row, timed } from '../row.ts';

const command = 'yes | head -c 200000000';
const shellExec = { path: '/v1/shell/exec', body: { id: 'bench', command } };
const bashExec = { path: '/v1/bash/exec', body: { command } };

export const floodRows: readonly Row[] = [
  { ...row('200 MB printed, new shell', bashExec, 'count'), target: 1.5 },
  { ...row('200 MB printed, session', shellExec, 'pty'), target: 1.3 },
];

function row(name: string, { path, body }: typeof bashExec, baseline: 'count' | 'pty'): Row {
  return {
    name,
    unit: 'ms',
    runs: 7,
    block: 1,
    async prepare(): Promise<Contest> {
      await using resources = new AsyncDisposableStack();
      const other = resources.use(new Baseline(baseline));
      const ours = resources.use(await startSandboxServer());
      await other.child.firstLine(1);
      const kept = resources.move();
      return {
        ours: () => timed(() => ours.connection.call('POST', path, body)),
        baseline: () => timed(() => other.connection.call('POST', '/', body)),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}
