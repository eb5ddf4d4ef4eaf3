import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { leakReport, runMark } from './config.ts';
import { endProcess, limitOf, type Process, processesNow, processesOfRun } from './processes.ts';

/** Time for processes that were ended at the very end of the last test to go. */
const graceMs = 3_000;

/** Opens the run's temporary folder; what it returns fails the run for what is left, and clears it away. */
export default function setup(project: TestProject) {
  const { [runMark]: mark, TMPDIR: folder } = project.config.env;
  if (mark === undefined || folder === undefined) throw new Error('the configuration lacks leakCheck()');
  mkdirSync(folder, { mode: 0o700 });
  if (process.platform === 'linux')
    execFileSync('prlimit', ['--pid', String(process.pid), `--locks=${limitOf(mark)}:`]);
  const before = new Set(processesNow().map(({ key }) => key));

  return async () => {
    const processes = await leftProcesses({ mark, folder, before });
    const leaks = [
      ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
      ...boundSockets(folder).map((path) => `socket ${path}`),
      ...readdirSync(folder).map((name) => `file ${join(folder, name)}`),
    ];
    for (const process of processes) endProcess(process);
    rmSync(folder, { recursive: true, force: true });
    const report = process.env[leakReport];
    if (report !== undefined) writeFileSync(report, JSON.stringify(leaks));
    if (leaks.length > 0) throw new Error(`the run leaves behind:\n  ${leaks.join('\n  ')}`);
  };
}

async function leftProcesses(run: Parameters<typeof processesOfRun>[0]): Promise<Process[]> {
  const deadline = performance.now() + graceMs;
  let left = processesOfRun(run);
  while (left.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = processesOfRun(run);
  }
  return left;
}

/** Unix sockets that are still bound under the folder. */
function boundSockets(folder: string): string[] {
  if (process.platform !== 'linux') return [];
  return readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
    .filter((path) => path.startsWith(`${folder}/`));
}
