/** What sandboxes need of the machine: found, installed where that needs no question, or named with the command to run. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Prerequisite {
  readonly program: string;
  /** Its package, by the same name on every distribution that has it. */
  readonly packageName: string;
  /** What is lost without it; undefined when nothing runs without it. */
  readonly withoutIt?: string;
}

const prerequisites: readonly Prerequisite[] = [
  { program: 'bwrap', packageName: 'bubblewrap' },
  { program: 'slirp4netns', packageName: 'slirp4netns', withoutIt: 'sandboxes have no network' },
  { program: 'ip', packageName: 'iproute2', withoutIt: 'sandboxes can reach private networks' },
  { program: 'python3', packageName: 'python3', withoutIt: 'sandboxes have no Python' },
  { program: 'pip3', packageName: 'python3-pip', withoutIt: 'sandboxes have no pip' },
  ...['git', 'curl', 'jq'].map((name) => ({
    program: name,
    packageName: name,
    withoutIt: `sandboxes have no ${name}`,
  })),
  { program: 'rg', packageName: 'ripgrep', withoutIt: 'sandboxes have no rg' },
];

/** What stays missing and cannot do without. */
export interface Missing {
  readonly message: string;
  readonly hint: string;
}

/**
 * Installs what is missing as root on Debian and its kin, says what is missing elsewhere.
 *
 * @returns what the user must install first, or undefined when sandboxes can start.
 */
export function installPrerequisites(say: (line: string) => void): Missing | undefined {
  let missing = prerequisites.filter(isMissing);
  if (missing.length > 0 && process.getuid?.() === 0 && isThere('apt-get')) {
    say(`installing ${missing.map(({ packageName }) => packageName).join(', ')} …`);
    aptInstall(missing.map(({ packageName }) => packageName));
    missing = missing.filter(isMissing);
  }
  for (const { program, packageName, withoutIt } of missing) {
    if (withoutIt)
      say(`${program} is missing: ${withoutIt}. To install it: ${installCommand([packageName])}`);
  }
  const needed = missing.filter(({ withoutIt }) => !withoutIt);
  if (needed.length === 0) return undefined;
  return {
    message: `${needed.map(({ program }) => program).join(', ')} is not installed, and sandboxes need it`,
    hint: `Run: ${installCommand(needed.map(({ packageName }) => packageName))}`,
  };
}

/** Sandboxes see the system's programs, not those that the user has at home. */
const systemFolders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

function isMissing({ program }: Prerequisite): boolean {
  return !systemFolders.some((folder) => existsSync(join(folder, program)));
}

function isThere(program: string): boolean {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...systemFolders];
  return folders.some((folder) => existsSync(join(folder, program)));
}

function aptInstall(packages: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
      env,
      encoding: 'utf8',
    });
  if (install().status === 0) return;
  // A machine that is new has no lists of packages yet.
  spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
  const second = install();
  if (second.status !== 0) process.stderr.write(second.stderr);
}

function installCommand(packages: readonly string[]): string {
  const managers = {
    'apt-get': 'install -y',
    dnf: 'install -y',
    apk: 'add',
    pacman: '-S',
    zypper: 'install',
  };
  const found = Object.entries(managers).find(([name]) => isThere(name));
  return found
    ? `sudo ${found.join(' ')} ${packages.join(' ')}`
    : `install the packages ${packages.join(' ')}`;
}
