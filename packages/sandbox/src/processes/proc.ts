/** What /proc tells about the processes of a session. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** The process group that the terminal's keys and signals go to; 0 where the kernel does not tell. */
  readonly foregroundGroup: number;
  /** In ticks of the kernel's clock. */
  readonly startedTicks: number;
}

/**
 * The process group in the foreground of the terminal of a shell, or undefined when it is gone. Where the kernel does not
 * tell (gVisor), that of the shell's youngest child, which is most likely what it waits for.
 */
export function foregroundGroup(shell: number): number | undefined {
  const group = stat(shell)?.foregroundGroup;
  if (group === 0) return youngestChild(shell)?.group;
  return group !== undefined && group > 0 ? group : undefined;
}

/** The processes whose session leader is `leader`, itself included. */
export function sessionMembers(leader: number): number[] {
  return processes((found) => found.session === leader);
}

/** The processes of a group. */
export function groupMembers(group: number): number[] {
  return processes((found) => found.group === group);
}

/** What all processes of a command carry. */
export interface ProcessMark {
  /** `NAME=value` in the environment of the programs that it starts. */
  readonly variable: string;
  /**
   * Their limit of file locks, which the kernel enforces no more and which every child inherits. It holds where a process
   * has cleared its environment, and for a shell that was forked and never started as a program.
   */
  readonly fileLocks: number;
}

/**
 * The processes of a command: those of its group, those that carry its mark, and all that descend from either. Where the
 * limit cannot be set (gVisor), one that has forked twice, begun a session and cleared its environment before this was
 * asked the first time is not among them.
 *
 * @param group the command's process group, where its number cannot have gone to another yet
 */
export function commandMembers(group: number | undefined, mark: ProcessMark): number[] {
  const found = new Set<number>();
  const rest = new Map<number, number>();
  for (const [pid, { group: own, parent }] of stats()) {
    if (own === group || carries(pid, mark)) found.add(pid);
    else rest.set(pid, parent);
  }
  for (let grew = found.size > 0; grew; ) {
    grew = false;
    for (const [pid, parent] of rest) {
      if (!found.has(parent)) continue;
      found.add(pid);
      rest.delete(pid);
      grew = true;
    }
  }
  return [...found];
}

/** The process exists and has not ended. */
export function isAlive(pid: number): boolean {
  return stat(pid) !== undefined;
}

/** The process waits for something: input, a child, a timer. */
export function sleeps(pid: number): boolean {
  return stat(pid)?.state === 'S';
}

/** Sends a signal to a process, or to a group when `target` is negative. False when there is none to take it. */
export function signal(target: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(target, name);
    return true;
  } catch {
    // ESRCH, or EPERM for a program that took other rights: either way it is not ours to signal any more.
    return false;
  }
}

/** What a descriptor or the working directory of a process refers to. */
export function processLink(pid: number, name: `fd/${number}` | 'cwd'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

function youngestChild(pid: number): ProcessStat | undefined {
  const children = Array.from(stats(), ([, found]) => found).filter(({ parent }) => parent === pid);
  return children.toSorted((one, other) => other.startedTicks - one.startedTicks)[0];
}

function processes(matches: (found: ProcessStat) => boolean): number[] {
  return Array.from(stats(), ([pid, found]) => (matches(found) ? [pid] : [])).flat();
}

function* stats(): Generator<[pid: number, stat: ProcessStat]> {
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const found = Number.isInteger(pid) ? stat(pid) : undefined;
    if (found !== undefined) yield [pid, found];
  }
}

function carries(pid: number, { variable, fileLocks }: ProcessMark): boolean {
  return (
    new RegExp(`^Max file locks +${fileLocks} `, 'm').test(text(pid, 'limits')) ||
    `\0${text(pid, 'environ')}`.includes(`\0${variable}\0`)
  );
}

/** Empty for a process that is gone, or another user's. */
function text(pid: number, file: 'environ' | 'limits'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** Fields of proc(5) stat. The command's name comes second and may hold anything, hence the search for its end. */
function stat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent, group, session, , foreground] = fields;
  if (state === 'Z' || state === 'X') return undefined;
  return {
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    foregroundGroup: Number(foreground),
    startedTicks: Number(fields[19]),
  };
}
