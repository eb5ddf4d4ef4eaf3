import type { Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { quote } from '../quote.ts';

/** What lies at a path of a sandbox. */
export type Found =
  | { readonly kind: 'file'; readonly sizeBytes: number; readonly isExecutable: boolean }
  | { readonly kind: 'folder' }
  | { readonly kind: 'other' }
  | { readonly kind: 'nothing' };

/** Looks at a path of a sandbox, through symbolic links. */
export async function lookAt(sandbox: Sandbox, path: string, signal: AbortSignal): Promise<Found> {
  const command = `LC_ALL=C stat -Lc '%f %s' -- ${quote([path])}`;
  const { stdout, exit_code } = await sandbox.bash.exec({ command }, { signal });
  const [, mode = '', sizeBytes = ''] = /^([0-9a-f]+) (\d+)$/.exec(stdout.trim()) ?? [];
  if (exit_code !== 0 || mode === '') return { kind: 'nothing' };
  const bits = Number.parseInt(mode, 16);
  // As in stat(2): the upper bits tell the kind.
  if ((bits & 0o170000) === 0o040000) return { kind: 'folder' };
  if ((bits & 0o170000) !== 0o100000) return { kind: 'other' };
  return { kind: 'file', sizeBytes: Number(sizeBytes), isExecutable: (bits & 0o100) !== 0 };
}

/** A path of a sandbox as an absolute one: others start at its workspace. */
export async function absolute(sandbox: Sandbox, path: string, signal: AbortSignal): Promise<string> {
  if (path.startsWith('/')) return path;
  const { workspace } = await sandbox.sandbox.context({}, { signal });
  return path === '' ? `${workspace}/` : `${workspace}/${path}`;
}

/** A command line holds so many paths without being too long for the system. */
const pathsAtOnce = 200;

/** Runs a command on many paths of a sandbox. */
export async function onPaths(
  sandbox: Sandbox,
  command: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < paths.length; from += pathsAtOnce) {
    const some = paths.slice(from, from + pathsAtOnce);
    const done = await sandbox.bash.exec({ command: `${command} -- ${quote(some)}` }, { signal });
    if (done.exit_code !== 0) {
      throw new CliError(`${command} failed in the sandbox: ${done.stderr.trim()}`, {
        hint: 'Copy to a folder that the sandbox may write to, such as its workspace.',
      });
    }
  }
}
