import { findProgram, installHint } from '@paddock/config/machine';
import { type Check, fail, ok, warn } from './check.ts';
import { isWithoutIsolation } from './isolation.ts';

interface Program {
  readonly name: string;
  /** Its package, by the same name on every distribution that has it. */
  readonly packageName: string;
  /** What is lost without it; absent when nothing runs without it. */
  readonly without?: string;
  /** Another program that does as well. */
  readonly instead?: string;
  /** Sandboxes without isolation do without it. */
  readonly isolates?: true;
  /** Sandboxes see it only in the system's own folders, not in those that the user has at home. */
  readonly inside?: true;
}

const programs: readonly Program[] = [
  { name: 'bwrap', packageName: 'bubblewrap', isolates: true },
  { name: 'setpriv', packageName: 'util-linux', isolates: true },
  { name: 'unshare', packageName: 'util-linux', isolates: true },
  {
    name: 'slirp4netns',
    packageName: 'slirp4netns',
    without: 'sandboxes have no network',
    instead: 'pasta',
  },
  { name: 'ip', packageName: 'iproute2', without: 'sandboxes can reach private networks' },
  { name: 'bash', packageName: 'bash', inside: true },
  { name: 'python3', packageName: 'python3', without: 'sandboxes have no Python', inside: true },
  { name: 'node', packageName: 'nodejs', without: 'sandboxes have no node of the system', inside: true },
  { name: 'git', packageName: 'git', without: 'sandboxes have no git', inside: true },
  { name: 'rg', packageName: 'ripgrep', without: 'sandboxes have no rg', inside: true },
];

/** Whether the programs are there that sandboxes are made with and that agents look for in them. */
export function checkPrograms(): Check[] {
  const needed = isWithoutIsolation() ? programs.filter(({ isolates }) => !isolates) : programs;
  return needed.map(({ name, packageName, without, instead, inside }) => {
    const path = inside ? '' : process.env.PATH;
    const found = findProgram(name, path);
    if (found) return ok(name, found);
    const other = instead === undefined ? undefined : findProgram(instead, path);
    if (other) return ok(name, `not installed; ${other} does as well`);
    const hint = installHint(packageName);
    if (without === undefined) return fail(name, 'not installed, and sandboxes need it', hint);
    return warn(name, `not installed: ${without}`, hint);
  });
}
