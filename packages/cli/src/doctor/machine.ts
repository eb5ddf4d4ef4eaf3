import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { findProgram, tryNamespaces } from '@paddock/config/machine';
import { type Check, fail, ok, warn } from './check.ts';
import { isWithoutIsolation } from './isolation.ts';

/** What the machine itself must be and allow. */
export async function checkMachine(): Promise<Check[]> {
  return [checkSystem(), checkNode(), await checkNamespaces(), checkTun(), await checkLimits()];
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

async function checkNamespaces(): Promise<Check> {
  const name = 'namespaces';
  if (isWithoutIsolation()) {
    const message = 'isolation is "none": sandboxes do without, and their code can do all that this user can';
    return warn(name, message, 'Leave isolation at its default where namespaces can be made.');
  }
  const bubblewrap = findProgram('bwrap');
  if (!bubblewrap) return fail(name, 'cannot be tried without bwrap', 'Install bubblewrap first.');
  const refusal = await tryNamespaces(bubblewrap);
  if (!refusal) return ok(name, 'bubblewrap can make them');
  return fail(name, `this machine does not let us make them: ${refusal.said}`, refusal.hint);
}

function checkTun(): Check {
  const device = '/dev/net/tun';
  if (isUsable(device)) return ok(device, 'usable');
  const message = 'this user may not use it: sandboxes have no network';
  return warn(device, message, `Run: sudo chmod 666 ${device}`);
}

async function checkLimits(): Promise<Check> {
  const name = 'cgroups';
  const mounts = (readText('/proc/self/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const unified = mounts.find(([, , type]) => type === 'cgroup2');
  const memory = mounts.find(
    ([, , type, options]) => type === 'cgroup' && (options ?? '').split(',').includes('memory'),
  );
  const root = (memory ?? unified)?.[1];
  if (root !== undefined && isUsable(root)) return ok(name, `writable at ${root}`);
  if (await canMakeScopes()) return ok(name, 'made by systemd for this user');
  const message = root === undefined ? 'not mounted' : `${root} is not writable`;
  const hint = 'Run as root, or in a session of a user with systemd.';
  return warn(name, `${message}: sandboxes have no limit of memory, processors and processes`, hint);
}

async function canMakeScopes(): Promise<boolean> {
  const systemdRun = findProgram('systemd-run');
  if (!systemdRun) return false;
  try {
    const line = ['--user', '--scope', '--quiet', '--collect', '--', '/bin/sh', '-c', ':'];
    await promisify(execFile)(systemdRun, line, { timeout: 10_000 });
    return true;
  } catch {
    return false; // No service manager for this user.
  }
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
