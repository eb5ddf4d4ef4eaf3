/** The node: a set of namespaces on this machine, held by one first process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CommandFailed, type Finished, type RunOptions, run } from './command.ts';
import { nodeName, type State } from './layout.ts';
import { waitFor } from './wait.ts';

const firstProcess = join(import.meta.dirname, 'machine.sh');

/** The programs that name the state's folder as their first argument. */
const heldBy: ReadonlySet<string> = new Set(['machine.sh', 'forward.ts']);

/** A node that is there. Its processes live as long as its first one. */
export interface Machine {
  /** The first process, as the machine outside counts. */
  readonly pid: number;
  /** What to put before a command so that it runs on the node, in a folder of its file system. */
  enter(folder?: string): string[];
  /** Runs a program on the node to its end; throws CommandFailed unless that is exit code 0. */
  run(command: readonly string[], options?: RunOptions): Promise<Finished>;
  /** Starts a program on the node that runs on, also when this process ends. Its output goes to the log folder. */
  startDaemon(name: string, command: readonly string[], env?: NodeJS.ProcessEnv): Promise<void>;
  /** Throws with the end of its log when a daemon has ended. */
  assertRunning(...names: readonly string[]): void;
}

/**
 * Makes the namespaces and starts the first process in them.
 *
 * @throws CommandFailed when the system does not allow it.
 */
export async function startMachine(state: State): Promise<Machine> {
  for (const folder of [state.lib, state.logs]) mkdirSync(folder, { recursive: true });
  const namespaces = ['--net', '--mount', '--propagation', 'slave', '--pid', '--fork', '--mount-proc'];
  const args = [...namespaces, '--uts', '--ipc', firstProcess, state.folder, nodeName];
  const child = spawn('unshare', args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new AbortController();
  child.once('close', () => ended.abort());
  child.once('error', ({ message }) => {
    errors += message;
    ended.abort();
  });
  try {
    await once(child.stdout, 'data', { signal: ended.signal });
  } catch {
    throw new CommandFailed(['unshare', ...args], `no node came up: ${errors.trim()}`);
  }
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  const machine = findMachine(state);
  if (!machine) throw new Error('the first process of the node ended at once');
  return machine;
}

/** The node of this state, when it lives. */
export function findMachine(state: State): Machine | undefined {
  const pid = processesOf(state).find(isFirstOfItsNamespace);
  return pid === undefined ? undefined : machineAt(pid, state);
}

/** Ends everything on the node, at once, and waits until it is gone. */
export async function endMachine(state: State): Promise<void> {
  const first = findMachine(state);
  // What holds the node from outside (unshare, nsenter) ends after it, by itself.
  const held = processesOf(state);
  if (first) process.kill(first.pid, 'SIGKILL');
  const wait = { what: `the processes of ${state.folder} to end`, timeoutMs: 30_000, everyMs: 20 };
  await waitFor(wait, () => held.every(hasEnded));
}

function machineAt(pid: number, state: State): Machine {
  const enter = (folder = '/') => [
    ...['nsenter', `--target=${pid}`, '--net', '--mount', '--pid', '--uts', '--ipc'],
    `--wdns=${folder}`,
    '--',
  ];
  const logOf = (name: string) => join(state.logs, `${name}.log`);
  return {
    pid,
    enter,
    run: async (command, options = {}) => await run([...enter(options.cwd), ...command], options),
    async startDaemon(name, command, env = {}) {
      // The shell ends at once; what it leaves is adopted by the node's first process, and no nsenter stays to wait for it.
      const script =
        'setsid sh -c \'"$@"; echo "exit code $?" >"$0.end"\' "$0" "$@" </dev/null >>"$0.log" 2>&1 &';
      const options = Object.keys(env).length > 0 ? { env } : {};
      await run([...enter(), 'sh', '-c', script, join(state.logs, name), ...command], options);
    },
    assertRunning(...names) {
      for (const name of names) {
        const end = readIfThere(join(state.logs, `${name}.end`));
        if (end === undefined) continue;
        const log = (readIfThere(logOf(name)) ?? '').trim().slice(-3_000);
        throw new Error(`${name} has ended with ${end.trim()}:\n${log}`);
      }
    },
  };
}

/** The processes, seen from outside, that live as long as the node and not on it alone. */
function processesOf(state: State): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = (readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0');
      const script = words.findIndex((word) => heldBy.has(basename(word)));
      return script >= 0 && words[script + 1] === state.folder;
    })
    .map(Number);
}

function isFirstOfItsNamespace(pid: number): boolean {
  const status = readIfThere(`/proc/${pid}/status`) ?? '';
  return /^NSpid:\s+\d+\s.*\b1$/m.test(status);
}

/** A process that ends loses its command line first and its namespaces later; as a zombie it has neither. */
function hasEnded(pid: number): boolean {
  const status = readIfThere(`/proc/${pid}/status`);
  return status === undefined || /^State:\sZ/m.test(status);
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // It has ended meanwhile, or never was.
  }
}
