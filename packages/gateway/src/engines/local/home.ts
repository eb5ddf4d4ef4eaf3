import { lchownSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sandboxUser } from './bubblewrap.ts';

const venv = '.venv';

/** Where programs that a sandbox's user installs are found, before the system's. */
export function userPath(home: string): string[] {
  return [`${home}/${venv}/bin`, `${home}/.local/bin`];
}

/** What makes `pip install` and `npm install -g` work without rights: a Python environment and a prefix in the home. */
export function userInstallEnv(home: string): Record<string, string> {
  return {
    VIRTUAL_ENV: `${home}/${venv}`,
    NPM_CONFIG_PREFIX: `${home}/.local`,
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  };
}

/** The identity that commits get while their author set none, without which git refuses to make them. */
const gitConfig = `[user]
	name = ${sandboxUser.name}
	email = ${sandboxUser.name}@localhost
[init]
	defaultBranch = main
`;

/**
 * Lays out a new home folder.
 *
 * @param hostUid whose the files become; undefined when they are the process's own.
 */
export function layOutHome(home: string, hostUid: number | undefined): void {
  writeFileSync(join(home, '.gitconfig'), gitConfig);
  const version = pythonVersion();
  if (version !== undefined) makePythonEnvironment(join(home, venv), version);
  if (hostUid === undefined) return;
  for (const entry of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(home, entry), hostUid, hostUid);
  }
}

/**
 * Makes what `python3 -m venv --system-site-packages` makes, in milliseconds instead of seconds: pip is the system's, run
 * by the environment's interpreter.
 */
function makePythonEnvironment(root: string, version: string): void {
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'lib', `python${version}`, 'site-packages'), { recursive: true });
  writeFileSync(
    join(root, 'pyvenv.cfg'),
    `home = /usr/bin\ninclude-system-site-packages = true\nversion = ${version}\n`,
  );
  const pip = '#!/bin/sh\nexec "${0%/*}/python3" -m pip "$@"\n';
  writeFileSync(join(root, 'bin/pip'), pip, { mode: 0o755 });
  const links = { python3: '/usr/bin/python3', python: 'python3', pip3: 'pip' };
  for (const [link, target] of Object.entries(links)) symlinkSync(target, join(root, 'bin', link));
}

/** Major and minor version of the system's Python, as the link to its interpreter names it. */
function pythonVersion(): string | undefined {
  try {
    return /^python(\d+\.\d+)$/.exec(basename(readlinkSync('/usr/bin/python3')))?.[1];
  } catch {
    return undefined; // No Python, or one that is no link: there is nothing to build an environment on.
  }
}
