import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { canUseHostUsers } from './host-users.ts';

const timeoutMs = 10_000;

/** Why bubblewrap cannot make the namespaces that sandboxes are made of. */
interface Refusal {
  /** What bubblewrap said. */
  readonly said: string;
  /** Which setting refuses, and what allows it. */
  readonly hint: string;
}

/**
 * Has bubblewrap make the namespaces of a sandbox for a moment.
 *
 * @returns undefined when it can.
 */
export async function tryNamespaces(bubblewrap: string): Promise<Refusal | undefined> {
  // Root of the machine makes sandboxes without a user namespace, everybody else with one.
  const user = canUseHostUsers() ? [] : ['--unshare-user', '--uid', '0', '--gid', '0'];
  const namespaces = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'];
  const system = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
  try {
    const line = [...user, ...namespaces, ...system, '--', '/bin/sh', '-c', ':'];
    await promisify(execFile)(bubblewrap, line, { timeout: timeoutMs });
    return undefined;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? error.stderr : error;
    return { said: String(said).trim().split('\n')[0] ?? '', hint: refusalHint() };
  }
}

/** Settings of the kernel that are known to refuse namespaces, each with what it is then and what allows them. */
const settings = [
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

const lastResort = 'For code that is trusted, PADDOCK_ISOLATION=none runs sandboxes without any isolation.';

function refusalHint(): string {
  const setting = settings.find(({ file, refusing }) => read(file) === refusing);
  if (setting) return `${setting.file} is ${setting.refusing}. Run: ${setting.mend}. ${lastResort}`;
  // Filters are inherited: outside of a container, and of services that systemd confines, there is none.
  const isFiltered = /^Seccomp:\t2$/m.test(read('/proc/self/status') ?? '');
  const container = isFiltered
    ? 'A seccomp filter is in force, as in containers: run the container with --security-opt seccomp=unconfined --security-opt systempaths=unconfined'
    : 'In a container, give it CAP_SYS_ADMIN and an unmasked /proc';
  return `${container}, or run outside of it. ${lastResort}`;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined; // Not every kernel has every one.
  }
}
