/** Checks everything, cheap things first, and ends with one line: `N passed, N failed`. */

import { delimiter, dirname, join } from 'node:path';
import { findProgram } from '@paddock/config/machine';
import { whyNoCluster } from '../test/cluster/packages.ts';
import { runCommand } from './check/command.ts';
import { addTallies, type Result, type Tally } from './check/tally.ts';
import { runTests } from './check/tests.ts';

interface Step {
  readonly name: string;
  /** The step that must have passed before. */
  readonly needs?: string;
  run(): Promise<Result>;
}

const root = dirname(import.meta.dirname);
process.chdir(root);
process.env.PATH = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);

const steps: readonly Step[] = [
  { name: 'format and lint', run: () => runCommand('biome', ['ci', '--colors=off', '.']) },
  { name: 'types', run: () => runCommand('tsc', ['-p', '.']) },
  { name: 'unused code', run: () => runCommand('knip', ['--no-progress']) },
  {
    name: 'shell scripts',
    run: () =>
      checkShellScripts([
        '.ci/run',
        'scripts/install.sh',
        'paddock',
        'test/cluster/machine.sh',
        'test/cluster/network.sh',
        'docker/build-image.sh',
        'docker/k8s/setup.sh',
        'docker/sandbox/lay-out.sh',
        'docker/sandbox/start.sh',
      ]),
  },
  { name: 'build', run: () => runCommand('node', ['scripts/build.ts']) },
  { name: 'tests', needs: 'build', run: () => runTests('vitest.config.ts', 'default') },
  { name: 'tests on Kubernetes', needs: 'build', run: testOnClusters },
];

const tally = await runAll(steps);
const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exitCode = tally.failed > 0 ? 1 : 0;

async function runAll(all: readonly Step[]): Promise<Tally> {
  const passed = new Set<string>();
  let total: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, needs, run } of all) {
    if (needs !== undefined && !passed.has(needs)) {
      console.log(`${name}: skipped, it needs ${needs}`);
      total = addTallies(total, { passed: 0, failed: 0, skipped: 1 });
      continue;
    }
    console.log(`${name} …`);
    const startMs = performance.now();
    const { tally, report } = await run();
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    if (tally.failed === 0) passed.add(name);
    if (report !== '') console.log(report.trimEnd());
    const verdict = tally.failed > 0 ? 'FAILED' : tally.passed > 0 ? 'ok' : 'skipped';
    console.log(`${name}: ${verdict} (${seconds} s)`);
    total = addTallies(total, tally);
  }
  return total;
}

async function checkShellScripts(paths: readonly string[]): Promise<Result> {
  if (findProgram('shellcheck') !== undefined) return runCommand('shellcheck', paths);
  return { tally: { passed: 0, failed: 0, skipped: 1 }, report: 'shellcheck is not installed' };
}

/**
 * Where no cluster can be started they are skipped, but for the guide's if E2E_KUBECONFIG names one; in a check that decides
 * what lands that is a failure.
 */
async function testOnClusters(): Promise<Result> {
  const config = 'vitest.cluster.config.ts';
  const report = whyNoCluster();
  if (report === undefined) return runTests(config, 'verbose');
  if (process.env.E2E_KUBECONFIG) return runTests(config, 'verbose', ['test/cluster-e2e/guide']);
  const isRequired = process.env.CI !== undefined;
  return { tally: { passed: 0, failed: isRequired ? 1 : 0, skipped: isRequired ? 0 : 1 }, report };
}
