import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addTallies, type Result, type Tally } from './tally.ts';

/** The part of vitest's JSON report that is counted. */
interface TestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const reports = 'node_modules/.cache/check';

/**
 * Runs the tests of a configuration with their output shown, then counts them, and the leak check of the run as one more.
 *
 * @param config the file, `vitest.config.ts`
 * @param reporter vitest's: `default` tells of each file, `verbose` of each test
 * @param only parts of the names of files, all if left out
 */
export async function runTests(
  config: string,
  reporter: 'default' | 'verbose',
  only: readonly string[] = [],
): Promise<Result> {
  const folder = join(reports, config);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const testsFile = join(folder, 'tests.json');
  const leaksFile = join(folder, 'leaks.json');
  const report = [`--reporter=${reporter}`, '--reporter=json', `--outputFile.json=${testsFile}`];
  const child = spawn('vitest', ['run', ...only, `--config=${config}`, ...report], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, LEAK_CHECK_REPORT: leaksFile },
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  const tests = countTests(testsFile);
  const leaks = countLeaks(leaksFile);
  const tally = addTallies(tests.tally, leaks.tally);
  // Unhandled errors and crashed workers fail a run in which every counted test has passed.
  const crashed = code !== 0 && tally.failed === 0;
  return {
    tally: crashed ? addTallies(tally, { passed: 0, failed: 1, skipped: 0 }) : tally,
    report: [
      ...tests.report,
      ...leaks.report,
      ...(crashed ? [`vitest ended with ${signal ?? code}`] : []),
    ].join('\n'),
  };
}

interface Count {
  readonly tally: Tally;
  readonly report: readonly string[];
}

function countTests(path: string): Count {
  if (!existsSync(path)) return fault('vitest wrote no report');
  const report = JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  const failures = report.testResults
    .filter((file) => file.status === 'failed')
    .flatMap((file) => {
      const tests = file.assertionResults.filter(({ status }) => status === 'failed');
      // A file that cannot be loaded, or whose hooks fail, has no failed test to count.
      return tests.length > 0
        ? tests.map(({ fullName }) => fullName)
        : [`${file.name}: ${file.message || 'its process died'}`];
    });
  const skipped = report.numPendingTests + report.numTodoTests;
  return {
    tally: { passed: report.numPassedTests, failed: failures.length, skipped },
    report: failures.map((name) => `failed: ${name}`),
  };
}

function countLeaks(path: string): Count {
  if (!existsSync(path)) return fault('the leak check did not run');
  const leaks = JSON.parse(readFileSync(path, 'utf8')) as string[];
  return leaks.length === 0
    ? { tally: { passed: 1, failed: 0, skipped: 0 }, report: [] }
    : fault(...leaks.map((leak) => `leaked: ${leak}`));
}

function fault(...report: string[]): Count {
  return { tally: { passed: 0, failed: 1, skipped: 0 }, report };
}
