import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { SetupError } from '../engine.ts';
import { canUseHostUsers } from './host-users.ts';
import { findProgram } from './programs.ts';

const run = promisify(execFile);

/**
 * Finds bubblewrap and makes sure that it may do what sandboxes need.
 *
 * @throws {SetupError} with what is missing and the command or setting that mends it.
 * @returns the path of bubblewrap.
 */
export async function findBubblewrap(): Promise<string> {
  if (process.platform !== 'linux') {
    throw new SetupError('the local engine runs on Linux only', 'Use a Linux machine or virtual machine.');
  }
  for (const [name, packageName] of [
    ['bwrap', 'bubblewrap'],
    ['setpriv', 'util-linux'],
    ['unshare', 'util-linux'],
  ] as const) {
    if (!findProgram(name)) throw new SetupError(`${name} is not installed`, installHint(packageName));
  }
  const bubblewrap = findProgram('bwrap') ?? 'bwrap';
  await tryNamespaces(bubblewrap);
  return bubblewrap;
}

function installHint(packageName: string): string {
  const managers = { 'apt-get': 'install', dnf: 'install', apk: 'add', pacman: '-S', zypper: 'install' };
  const found = Object.entries(managers).find(([name]) => findProgram(name));
  return found ? `Run: sudo ${found.join(' ')} ${packageName}` : `Install the package ${packageName}.`;
}

async function tryNamespaces(bubblewrap: string): Promise<void> {
  const user = canUseHostUsers() ? [] : ['--unshare-user', '--uid', '0', '--gid', '0'];
  const namespaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'];
  try {
    const system = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
    await run(bubblewrap, [...user, ...namespaces, ...system, '--', '/bin/sh', '-c', ':'], {
      timeout: 10_000,
    });
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error
        ? String(error.stderr).trim().split('\n')[0]
        : String(error);
    throw new SetupError(`this machine does not let us make namespaces: ${said}`, namespaceHint(), {
      cause: error,
    });
  }
}

/** Which of the settings that are known to refuse namespaces does so here. */
function namespaceHint(): string {
  const refusals = [
    {
      file: '/proc/sys/user/max_user_namespaces',
      refusing: '0',
      mend: 'sudo sysctl -w user.max_user_namespaces=15000',
    },
    {
      file: '/proc/sys/kernel/unprivileged_userns_clone',
      refusing: '0',
      mend: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
    },
    {
      file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
      refusing: '1',
      mend: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap an AppArmor profile that allows userns',
    },
  ];
  const found = refusals.find(({ file, refusing }) => readSetting(file) === refusing);
  if (found) return `${found.file} is ${found.refusing}. Run: ${found.mend}`;
  return 'In a container, give it CAP_SYS_ADMIN and an unmasked /proc, or run outside of it.';
}

function readSetting(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
