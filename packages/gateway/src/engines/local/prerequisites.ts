import { findProgram, installHint, tryNamespaces } from '@paddock/config/machine';
import { SetupError } from '../engine.ts';

/**
 * Finds bubblewrap and makes sure that it may do what sandboxes need.
 *
 * @throws {SetupError} with what is missing and the command or setting that mends it.
 * @returns the path of bubblewrap.
 */
export async function findBubblewrap(): Promise<string> {
  mustBeLinux();
  for (const [name, packageName] of [
    ['bwrap', 'bubblewrap'],
    ['setpriv', 'util-linux'],
    ['unshare', 'util-linux'],
  ] as const) {
    if (!findProgram(name)) throw new SetupError(`${name} is not installed`, installHint(packageName));
  }
  const bubblewrap = findProgram('bwrap') ?? 'bwrap';
  const refusal = await tryNamespaces(bubblewrap);
  if (refusal) {
    throw new SetupError(`this machine does not let us make namespaces: ${refusal.said}`, refusal.hint);
  }
  return bubblewrap;
}

/**
 * Makes sure that this is Linux: sandbox servers read /proc, with isolation or without.
 *
 * @throws {SetupError}
 */
export function mustBeLinux(): void {
  if (process.platform === 'linux') return;
  throw new SetupError(
    'the local engine runs on Linux only',
    'Use a Linux machine, virtual machine or container.',
  );
}
