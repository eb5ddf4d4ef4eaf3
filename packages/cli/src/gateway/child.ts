import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from '../failure.ts';
import { exitCodeOf } from '../signals.ts';

/** What becomes of a descriptor of the gateway. */
export type Descriptor = 'pipe' | 'inherit' | 'ignore';

/**
 * Starts the gateway's program. It stops by itself when this process is gone, however that went: its standard input, which
 * nobody else holds, ends then. It has its own process group, so that Ctrl-C reaches it once, from here.
 *
 * @param outputs Its descriptors from 1 on.
 */
export function spawnGateway(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  outputs: readonly Descriptor[],
): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, ...env, PADDOCK_EXIT_WITH_STDIN: '1' },
    stdio: ['pipe', ...outputs],
    detached: true,
  });
  // A gateway that ended first makes the end of its input fail; its exit tells more.
  child.stdin?.on('error', () => {});
  return child;
}

/** Waits for the exit of a child and gives its code, 128 and the number when a signal ended it. */
export async function exitOf(child: ChildProcess): Promise<number> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? (child.signalCode ? exitCodeOf(child.signalCode) : 1);
}

/**
 * The gateway's program: beside this one as it is built, else beside its source.
 *
 * @throws CliError when it is not there.
 */
export function gatewayProgram(): string {
  const folder = resolve(realpathSync(process.argv[1] ?? '.'), '..');
  const found = ['../gateway/main.cjs', '../../gateway/src/main.ts']
    .map((path) => resolve(folder, path))
    .find((path) => existsSync(path));
  if (found) return found;
  throw new CliError(`the gateway's program is not beside ${folder}`, {
    hint: 'Build it with `npm run build`.',
  });
}
