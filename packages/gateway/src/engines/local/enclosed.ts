import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { bubblewrapOptions, type Enclosure, serverCommand } from './bubblewrap.ts';
import { type Launched, neverStarted } from './launch.ts';
import type { Launcher } from './limits.ts';
import { keyringFilter } from './seccomp.ts';

/** bubblewrap tells of its first process within milliseconds; one that takes this long never will. */
const startLimitMs = 5_000;

/** Starts a server in bubblewrap. */
export function launchEnclosed(bubblewrap: string, enclosure: Enclosure, launcher: Launcher): Launched {
  const filter = keyringFilter();
  const fds = { info: 3, block: 5, ...(filter && { seccomp: 6 }) };
  const options = bubblewrapOptions(enclosure, fds);
  const { hostUid } = enclosure;
  // The options go through a pipe: a command line can be read by everyone, in the sandbox too.
  const line = [...launcher.line, bubblewrap, '--args', '4', '--', ...serverCommand(hostUid)];
  const [program = bubblewrap, ...args] = line;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', filter ? 'pipe' : 'ignore'],
    env: launcher.env,
  });
  if (child.pid === undefined) return neverStarted(child);
  const [, , , infoPipe, argsPipe, goPipe, filterPipe] = Array.from<unknown>(child.stdio) as [
    ...[null, Readable, Readable],
    ...[Readable, Writable, Writable, Writable | null],
  ];
  // bubblewrap may not start: its end says why.
  for (const pipe of [argsPipe, goPipe, filterPipe]) pipe?.on('error', () => {});
  filterPipe?.end(filter);
  argsPipe.end(options.map((option) => `${option}\0`).join(''));
  let inside: number | undefined;
  const waiting = readInfo(infoPipe).then((pid) => {
    inside = pid;
    return pid;
  });
  return {
    child,
    waiting,
    go: () => goPipe.end('go'),
    kill() {
      const end = (pid: number) => {
        // The first process of a pid namespace takes the whole namespace with it; bubblewrap follows once it does not wait.
        killIfThere(pid);
        goPipe.end();
      };
      if (inside !== undefined) return end(inside);
      // Were bubblewrap killed before it has told of that process, that one would wait for bubblewrap's word for ever.
      void waiting.then(end);
      const stuck = setTimeout(() => child.kill('SIGKILL'), startLimitMs).unref();
      child.once('exit', () => clearTimeout(stuck));
    },
    sweep: async () => {}, // Nothing outlives a pid namespace.
  };
}

async function readInfo(pipe: Readable): Promise<number> {
  let text = '';
  for await (const chunk of pipe.setEncoding('utf8')) text += chunk;
  if (text === '') return new Promise(() => {}); // It ended before it started anything: its end says why.
  const pid: unknown = JSON.parse(text)['child-pid'];
  if (typeof pid !== 'number') throw new Error(`bubblewrap said no pid: ${text}`);
  return pid;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
