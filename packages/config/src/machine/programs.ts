import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const systemFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Where a program lies, in the system's folders too, which users' PATHs often lack.
 *
 * @param path the folders to look in first, as PATH lists them.
 */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  return [...path.split(delimiter), ...systemFolders]
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** What installs a package here, in a sentence. */
export function installHint(packageName: string): string {
  const managers = { 'apt-get': 'install', dnf: 'install', apk: 'add', pacman: '-S', zypper: 'install' };
  const found = Object.entries(managers).find(([name]) => findProgram(name));
  return found ? `Run: sudo ${found.join(' ')} ${packageName}` : `Install the package ${packageName}.`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
