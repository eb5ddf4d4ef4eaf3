/** Which processes a run of tests has left, read from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runMark } from './config.ts';

/** A process as /proc shows it. */
export interface Process {
  /** Pid and start time: what names one process among all that ever had the pid. */
  readonly key: string;
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly command: string;
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

/** Under root, each sandbox of the local engine has a user of its own from here on. */
const firstSandboxUid = 1_900_000_000;

const programs = join(dirname(dirname(import.meta.dirname)), 'dist');

/**
 * The processes that the run has started and that live on. Marked ones are the run's in any case; sandboxed ones carry
 * no mark, and belong to the run when nobody else who lives can have started them.
 */
export function processesOfRun({ mark, folder, before }: Run): Process[] {
  const now = processesNow();
  const byPid = new Map(now.map((process) => [process.pid, process]));
  return now.filter((candidate) => {
    if (before.has(candidate.key) || isTestRunner(candidate)) return false;
    if (markOf(candidate) === mark) return true;
    if (candidate.command.includes(folder) || candidate.folders.includes(basename(folder))) return true;
    const chain = ancestors(candidate, byPid);
    if (chain.some(({ pid }) => pid === process.pid)) return true;
    const isOurKind = candidate.uid >= firstSandboxUid || candidate.command.includes(programs);
    return isOurKind && markOf(candidate) === undefined && chain.every((one) => isUnclaimed(one, before));
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
    const uid = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return {
      key: `${pid}@${rest[17]}`,
      pid,
      parent: Number(parent),
      uid: Number(uid),
      command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
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

/** True for a process that neither another run nor a person's own session has started. */
function isUnclaimed(one: Process, before: ReadonlySet<string>): boolean {
  return !before.has(one.key) && markOf(one) === undefined;
}

/** vitest's own: the workers, and the guard that ends them when vitest is killed. */
function isTestRunner({ command }: Process): boolean {
  return command === 'vitest-watchdog' || /\/vitest\/dist\/workers\/\w+\.js/.test(command);
}
