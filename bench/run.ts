/** Measures Paddock against baselines, in one run, and tells on which machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeMachine, loadNow } from './machine.ts';
import { type Measured, measure } from './measure.ts';
import type { Row } from './row.ts';
import { claimRows } from './rows/claim.ts';
import { commandLineRows } from './rows/command-line.ts';
import { crowdRows } from './rows/crowd.ts';
import { execRows } from './rows/exec.ts';
import { fileRows } from './rows/files.ts';
import { floodRows } from './rows/flood.ts';
import { gatewayRows } from './rows/gateway.ts';
import { memoryRows } from './rows/memory.ts';
import { podRows } from './rows/pods.ts';
import { startRows } from './rows/start.ts';
import { formatTable } from './table.ts';

const all: readonly Row[] = [
  ...execRows,
  ...gatewayRows,
  ...floodRows,
  ...claimRows,
  ...commandLineRows,
  ...startRows,
  ...crowdRows,
  ...memoryRows,
  ...fileRows,
  ...podRows,
];

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const runs = flags.runs === undefined ? undefined : Number(flags.runs);
const chosen = all.filter(
  ({ name }) => flags.only.length === 0 || flags.only.some((part) => name.includes(part)),
);

if (runs !== undefined && !(Number.isInteger(runs) && runs > 0))
  fail('--runs takes a whole number from 1 on');
else if (chosen.length === 0)
  fail(`no row is named so; there are: ${all.map(({ name }) => name).join(', ')}`);
else await main(chosen);

async function main(rows: readonly Row[]): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => stop.abort(new Error(signal)));
  const machine = describeMachine();
  const load = { before: loadNow(), after: 0 };
  const results: Measured[] = [];
  for (const row of rows) {
    process.stderr.write(`measuring ${row.name} …\n`);
    try {
      results.push(await measure(row, stop.signal, runs));
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      // What Ctrl-C does to the programs in between fails the measurement too.
      process.stderr.write('stopped\n');
      process.exitCode = 130;
      return;
    }
  }
  load.after = loadNow();
  const report = { machine, load, rows: results };
  // A part of the rows must not pass for all of them.
  if (rows.length === all.length) {
    writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(report, null, 2)}\n`);
  }
  if (flags.json) {
    console.log(JSON.stringify(report));
    return;
  }
  console.log(formatTable(results));
  console.log(`\n${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, Linux ${machine.kernel}`);
  console.log(`Node ${machine.node}; load ${load.before} before, ${load.after} after`);
}

function fail(message: string): void {
  console.error(`error: ${message}\nhint: make bench ARGS="--only exec --runs 100 --json"`);
  process.exitCode = 2;
}
