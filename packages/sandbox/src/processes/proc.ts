/** What /proc tells about the processes of a session. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

interface ProcessStat {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  /** The process group that the terminal's keys and signals go to. */
  readonly foregroundGroup: number;
}

/** The process group in the foreground of the terminal that `pid` belongs to, or undefined when it is gone. */
export function foregroundGroup(pid: number): number | undefined {
  const group = stat(pid)?.foregroundGroup;
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

function processes(matches: (found: ProcessStat) => boolean): number[] {
  const pids: number[] = [];
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const found = stat(pid);
    if (found !== undefined && matches(found)) pids.push(pid);
  }
  return pids;
}

/** Fields of proc(5) stat. The command's name comes second and may hold anything, hence the search for its end. */
function stat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const [state = 'X', , group, session, , foreground] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  return { state, group: Number(group), session: Number(session), foregroundGroup: Number(foreground) };
}
