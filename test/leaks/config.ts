/**
 * The leak check: a run of tests that leaves a process, a socket, a file or a timer behind fails.
 *
 * Every run has a temporary folder of its own (TMPDIR) and a mark, which the processes that it starts inherit: in the
 * environment, and as a limit that no kernel enforces any more, since sandboxes get an environment of their own. `worker.ts` looks at each test file's own process, `global-setup.ts` at the machine after the run.
 */
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The environment variable that marks the processes of a run. */
export const runMark = 'LEAK_CHECK_RUN';

/** The environment variable that names the file to which a run writes what it left behind, as a JSON list. */
export const leakReport = 'LEAK_CHECK_REPORT';

/** The part of a vitest configuration that has its runs checked. It opens nothing itself. */
export function leakCheck() {
  const id = randomBytes(6).toString('hex');
  return {
    env: {
      [runMark]: id,
      TMPDIR: join(tmpdir(), `paddock-test-${id}`),
      // npm would keep its cache of compiled code in the folder.
      NODE_DISABLE_COMPILE_CACHE: '1',
    },
    globalSetup: [join(import.meta.dirname, 'global-setup.ts')],
    setupFiles: [join(import.meta.dirname, 'worker.ts')],
    // Hooks run last in, first out: the check of worker.ts, which comes first, sees what all others left.
    sequence: { hooks: 'stack' as const },
  };
}
