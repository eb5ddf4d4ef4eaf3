/** Which processes a run of tests has left, read from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { runMark } from './config.ts';

/** A process as /proc shows it. */
export interface Process {
  /** Pid and start time: what names one process among all that ever had the pid. */
  readonly key: string;
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** How many locks of files it may hold, which Linux has not enforced since version 2.4. */
  readonly lockLimit: string;
  readonly environment: string;
  /** Its working directory and what is mounted where it sees: a sandbox shows there which folders it was given. */
  readonly folders: string;
}

interface Run {
  readonly mark: string;
  /** The run's temporary folder. */
  readonly folder: string;
  /** Keys of the processes that were there before. */
  readonly before: ReadonlySet<string>;
}

/** The limit that marks the processes of a run. */
export function limitOf(mark: string): string {
  return String(Number.parseInt(mark, 16));
}

/** The processes that the run has started and that live on. A command of a sandbox has a limit of its own, its parents not. */
export function processesOfRun({ mark, folder, before }: Run): Process[] {
  const now = processesNow();
  const byPid = new Map(now.map((process) => [process.pid, process]));
  return now.filter((candidate) => {
    if (before.has(candidate.key) || isTestRunner(candidate)) return false;
    const chain = [candidate, ...ancestors(candidate, byPid)];
    if (markOf(candidate) === mark || chain.some(({ lockLimit }) => lockLimit === limitOf(mark))) return true;
    if (candidate.command.includes(folder) || candidate.folders.includes(basename(folder))) return true;
    return chain.some(({ pid }) => pid === process.pid);
  });
}

/** Every process that can be read; none where there is no /proc. */
export function processesNow(): Process[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** Kills a process, if it is still the one that was seen. */
export function endProcess({ pid, key }: Process): void {
  if (readProcess(pid)?.key === key) process.kill(pid, 'SIGKILL');
}

function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces and parentheses itself.
    const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return undefined;
    return {
      key: `${pid}@${rest[17]}`,
      pid,
      parent: Number(parent),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      lockLimit: /^Max file locks +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '',
      environment: ifAllowed(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
      folders:
        ifAllowed(() => readlinkSync(`/proc/${pid}/cwd`)) +
        ifAllowed(() => readFileSync(`/proc/${pid}/mountinfo`, 'utf8')),
    };
  } catch {
    return undefined; // It has ended meanwhile.
  }
}

/** Some entries of another user's process are closed to us. */
function ifAllowed(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function markOf({ environment }: Process): string | undefined {
  return environment
    .split('\0')
    .find((entry) => entry.startsWith(`${runMark}=`))
    ?.slice(runMark.length + 1);
}

/** Parents, their parents and so on, without the machine's first process. */
function ancestors(child: Process, byPid: ReadonlyMap<number, Process>): Process[] {
  const chain: Process[] = [];
  for (let next = byPid.get(child.parent); next && next.pid > 1; next = byPid.get(next.parent))
    chain.push(next);
  return chain;
}

/** vitest's own: the workers, and the guard that ends them when vitest is killed. */
function isTestRunner({ command }: Process): boolean {
  return command === 'vitest-watchdog' || /\/vitest\/dist\/workers\/\w+\.js/.test(command);
}
