/** The control group under which all pods of a cluster are counted and limited. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from './wait.ts';

/** Makes the group in every hierarchy, of version 1 and 2. */
export function makeCgroup(name: string): void {
  for (const { root } of hierarchies()) {
    const group = join(root, name);
    mkdirSync(group, { recursive: true });
    // A new group of cpuset has no processors, and takes no process before it has some.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(root, file))) writeFileSync(join(group, file), readFileSync(join(root, file)));
    }
  }
}

/** Removes the group with all below it; waits for the kernel to have taken the last process out. */
export async function removeCgroup(name: string): Promise<void> {
  for (const { root } of hierarchies()) {
    const group = join(root, name);
    await waitFor({ what: `${group} to be empty`, timeoutMs: 30_000, everyMs: 20 }, () => removeTree(group));
  }
}

/** The folders of the group that are there. */
export function cgroupFolders(name: string): string[] {
  return hierarchies()
    .map(({ root }) => join(root, name))
    .filter((group) => existsSync(group));
}

function hierarchies(): { readonly root: string }[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , kind]) => kind === 'cgroup' || kind === 'cgroup2')
    .flatMap(([, root]) => (root === undefined ? [] : [{ root }]));
}

function removeTree(group: string): boolean {
  if (!existsSync(group)) return true;
  for (const entry of readdirSync(group, { withFileTypes: true })) {
    if (entry.isDirectory() && !removeTree(join(group, entry.name))) return false;
  }
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') return false;
    if (code === 'ENOENT') return true;
    throw error;
  }
}
