import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { inside } from './bubblewrap.ts';
import type { SandboxFolder } from './folder.ts';
import { type Launched, neverStarted } from './launch.ts';
import type { Group, Launcher } from './limits.ts';

/** Carried by every process of a server without isolation: `<owner>.<server id>`. */
const markVariable = 'SANDBOX_SERVER';

const sweepLimitMs = 2_000;
const sweepPauseMs = 10;

/** Descriptors of the server: it waits for the first, and listens in the folder that the second is open on. */
const goFd = 3;
const runFd = 4;

export interface BareServer {
  readonly folder: SandboxFolder;
  readonly nodePath: string;
  readonly serverFolder: string;
  readonly skillsPath: string;
  readonly env: Readonly<Record<string, string>>;
  /** Whose servers these are, so that a later run finds what a killed one left. */
  readonly owner: string;
  readonly id: string;
  readonly launcher: Launcher;
}

/**
 * Starts a server without any isolation: its code is the gateway's user and can do what that user can, other sandboxes
 * and the gateway included.
 *
 * There is no /mnt/user-data and no /mnt/skills, which would be the same for all. Commands start in the sandbox's own
 * workspace, relative paths are meant from there, and variables name the rest: HOME, TMPDIR, WORKSPACE, UPLOADS,
 * OUTPUTS, SKILLS_PATH. Whoever asks GET /v1/sandbox reads the real paths. No path is mapped: files would then have names that shells do
 * not know. Who writes to /mnt/user-data all the same, writes to the machine's, if its user may.
 */
export function launchBare(server: BareServer): Launched {
  const { folders } = server.folder;
  const node = [server.nodePath, join(server.serverFolder, 'main.cjs')];
  const waiting = ['/bin/sh', '-c', `read -r _ <&${goFd} && exec ${goFd}<&- && exec "$@"`, 'sh'];
  const [program = '/bin/sh', ...args] = [...server.launcher.line, ...waiting, ...node];
  // A socket's path has a hundred bytes at most, and the data folder's may have more.
  const run = openSync(folders.run, 'r');
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', run],
    cwd: folders.workspace,
    env: {
      ...server.launcher.env,
      ...server.env,
      TMPDIR: folders.tmp,
      WORKSPACE: folders.workspace,
      UPLOADS: folders.uploads,
      OUTPUTS: folders.outputs,
      SKILLS_PATH: server.skillsPath,
      PADDOCK_LISTEN: `/proc/self/fd/${runFd}/${basename(inside.socket)}`,
      PADDOCK_RUN_DIR: folders.run,
      PADDOCK_WORKSPACE: folders.workspace,
      [markVariable]: `${server.owner}.${server.id}`,
    },
  });
  closeSync(run);
  if (child.pid === undefined) return neverStarted(child);
  const goPipe = child.stdio[goFd] as Writable;
  goPipe.on('error', () => {}); // It did not start: its end says why.
  return {
    child,
    waiting: Promise.resolve(child.pid),
    go: () => goPipe.end('go\n'),
    kill: () => void child.kill('SIGKILL'),
    sweep: (group) => endMarked(`${server.owner}.${server.id}`, group),
  };
}

/**
 * Ends an owner's servers, and all that they started, when this process ends in any way, until it is disposed: what a
 * pid namespace does by itself. It also ends what an earlier run left.
 */
export async function watchOver(owner: string): Promise<AsyncDisposable> {
  await endMarked(`${owner}.`);
  // In a session of its own, so that Ctrl-C does not end it first.
  const child = spawn('/bin/sh', ['-c', endOnInputEnd, 'sh', `${markVariable}=${owner}[.]`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: process.env.PATH },
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin?.on('error', () => {}); // It is gone already.
  child.unref();
  return {
    async [Symbol.asyncDispose]() {
      child.ref();
      child.stdin?.destroy();
      await ended;
    },
  };
}

// What ends while grep reads makes it fail although it found something: what counts is what it prints.
const endOnInputEnd = `read -r _
round=0
while [ $round -lt 100 ]; do
  found=$(grep -ls "$1" /proc/[0-9]*/environ)
  [ -n "$found" ] || exit 0
  for file in $found; do pid=\${file#/proc/}; kill -KILL "\${pid%/environ}"; done
  round=$((round + 1))
done`;

/**
 * Ends what servers of an owner left behind. A program that cleared its environment is found only where it is in a
 * control group.
 *
 * @param mark an owner, or an owner's server.
 * @throws {Error} with the processes that do not end.
 */
async function endMarked(mark: string, group?: Group): Promise<void> {
  const giveUpMs = performance.now() + sweepLimitMs;
  for (;;) {
    const left = [...new Set([...marked(mark), ...(group?.members() ?? [])])];
    if (left.length === 0) return;
    if (performance.now() > giveUpMs) throw new Error(`processes do not end: ${left.join(', ')}`);
    for (const pid of left) killIfOurs(pid);
    await delay(sweepPauseMs);
  }
}

function marked(mark: string): number[] {
  const start = `\0${markVariable}=${mark}`;
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && environmentOf(pid).includes(start));
}

function environmentOf(pid: number): string {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
  } catch {
    return ''; // Gone, or another user's.
  }
}

function killIfOurs(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // ESRCH: gone. EPERM: it took other rights, and the next round says that it is still there.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
      throw error;
  }
}
