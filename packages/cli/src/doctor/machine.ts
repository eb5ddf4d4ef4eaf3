import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { type Check, fail, ok, warn } from './check.ts';
import { findProgram } from './programs.ts';

/** What the machine itself must be and allow. */
export async function checkMachine(): Promise<Check[]> {
  return [checkSystem(), checkNode(), await checkNamespaces(), checkTun(), checkControlGroups()];
}

function checkSystem(): Check {
  const { platform, arch } = process;
  if (platform === 'linux') return ok('system', `Linux on ${arch}`);
  return fail('system', `sandboxes run on Linux only, and this is ${platform}`, 'Use a Linux machine.');
}

function checkNode(): Check {
  const message = `${process.version} at ${process.execPath}`;
  if (Number.parseInt(process.versions.node, 10) >= 24) return ok('node.js', message);
  return fail('node.js', `${message}, and the programs need Node 24`, 'Put a newer node first on the PATH.');
}

/** Settings of the kernel that are known to refuse namespaces, and what allows them. */
const refusals = [
  { file: 'user/max_user_namespaces', refusing: '0', mend: 'sudo sysctl -w user.max_user_namespaces=15000' },
  {
    file: 'kernel/unprivileged_userns_clone',
    refusing: '0',
    mend: 'sudo sysctl -w kernel.unprivileged_userns_clone=1',
  },
  {
    file: 'kernel/apparmor_restrict_unprivileged_userns',
    refusing: '1',
    mend: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

async function checkNamespaces(): Promise<Check> {
  const name = 'namespaces';
  const bubblewrap = findProgram('bwrap');
  if (!bubblewrap) return fail(name, 'cannot be tried without bwrap', 'Install bubblewrap first.');
  const isolated = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'];
  const system = ['--ro-bind', '/', '/', '--proc', '/proc', '--dev', '/dev', '--', '/bin/sh', '-c', ':'];
  // Root of the machine makes sandboxes without a user namespace, everybody else with one.
  const ways = [['--unshare-user'], ...(process.getuid?.() === 0 ? [[]] : [])];
  let reason = '';
  for (const way of ways) {
    try {
      await promisify(execFile)(bubblewrap, [...way, ...isolated, ...system], { timeout: 10_000 });
      return ok(name, 'bubblewrap can make them');
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? error.stderr : error;
      reason = String(said).trim().split('\n')[0] ?? '';
    }
  }
  const refusal = refusals.find(({ file, refusing }) => readText(`/proc/sys/${file}`) === refusing);
  const hint = refusal
    ? `/proc/sys/${refusal.file} is ${refusal.refusing}. Run: ${refusal.mend}`
    : 'In a container, give it CAP_SYS_ADMIN and an unmasked /proc, or run outside of it.';
  return fail(name, `this machine does not let us make them: ${reason}`, hint);
}

function checkTun(): Check {
  const device = '/dev/net/tun';
  if (isUsable(device)) return ok(device, 'usable');
  const message = 'this user may not use it: sandboxes have no network';
  return warn(device, message, `Run: sudo chmod 666 ${device}`);
}

function checkControlGroups(): Check {
  const name = 'cgroups';
  const mounts = (readText('/proc/self/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const unified = mounts.find(([, , type]) => type === 'cgroup2');
  const memory = mounts.find(
    ([, , type, options]) => type === 'cgroup' && (options ?? '').split(',').includes('memory'),
  );
  const root = (memory ?? unified)?.[1];
  if (root !== undefined && isUsable(root)) return ok(name, `writable at ${root}`);
  const message = root === undefined ? 'not mounted' : `${root} is not writable`;
  const hint = 'Run as root, or in a group of processes that systemd has delegated to you.';
  return warn(name, `${message}: sandboxes have no limit of memory, processors and processes`, hint);
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined; // Not every kernel has every one.
  }
}
