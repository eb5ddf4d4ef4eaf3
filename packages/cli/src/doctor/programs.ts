import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Check, fail, ok, warn } from './check.ts';

interface Program {
  readonly name: string;
  /** Its package, by the same name on every distribution that has it. */
  readonly packageName: string;
  /** What is lost without it; absent when nothing runs without it. */
  readonly without?: string;
  /** Sandboxes see it only in the system's own folders, not in those that the user has at home. */
  readonly inside?: true;
}

const programs: readonly Program[] = [
  { name: 'bwrap', packageName: 'bubblewrap' },
  { name: 'setpriv', packageName: 'util-linux' },
  { name: 'unshare', packageName: 'util-linux' },
  { name: 'slirp4netns', packageName: 'slirp4netns', without: 'sandboxes have no network' },
  { name: 'ip', packageName: 'iproute2', without: 'sandboxes can reach private networks' },
  { name: 'bash', packageName: 'bash', inside: true },
  { name: 'python3', packageName: 'python3', without: 'sandboxes have no Python', inside: true },
  { name: 'node', packageName: 'nodejs', without: 'sandboxes have no node of the system', inside: true },
  { name: 'git', packageName: 'git', without: 'sandboxes have no git', inside: true },
  { name: 'rg', packageName: 'ripgrep', without: 'sandboxes have no rg', inside: true },
];

const systemFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Whether the programs are there that sandboxes are made with and that agents look for in them. */
export function checkPrograms(): Check[] {
  return programs.map(({ name, packageName, without, inside }) => {
    const found = findProgram(name, inside ? [] : (process.env.PATH ?? '').split(delimiter));
    if (found) return ok(name, found);
    const hint = installHint(packageName);
    if (without === undefined) return fail(name, 'not installed, and sandboxes need it', hint);
    return warn(name, `not installed: ${without}`, hint);
  });
}

/** Where a program lies, in the system's folders too, which users' PATHs often lack. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  return [...folders, ...systemFolders]
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installHint(packageName: string): string {
  const managers = { 'apt-get': 'install', dnf: 'install', apk: 'add', pacman: '-S', zypper: 'install' };
  const found = Object.entries(managers).find(([name]) => findProgram(name));
  return found ? `Run: sudo ${found.join(' ')} ${packageName}` : `Install the package ${packageName}.`;
}
