import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Controller,
  controllers,
  directly,
  type Group,
  type Launcher,
  type Limiter,
  type Limits,
} from './limits.ts';

/** Where the kernel's control groups are mounted: one tree for each controller, or one for all. */
export type Hierarchy =
  | { readonly version: 1; readonly roots: Readonly<Partial<Record<Controller, string>>> }
  | { readonly version: 2; readonly root: string };

const periodMicros = 100_000;

const emptyLimitMs = 1_000;
const emptyPollMs = 5;

/**
 * Reads which control groups are mounted here.
 *
 * @param mounts of /proc/self/mounts.
 */
export function findHierarchy(mounts: string): Hierarchy | undefined {
  const entries = mounts.split('\n').map((line) => line.split(' '));
  const roots = entries
    .filter(([, , type]) => type === 'cgroup')
    .flatMap(([, path = '', , options = '']) =>
      controllers.filter((name) => options.split(',').includes(name)).map((name) => [name, path] as const),
    );
  if (roots.length > 0) return { version: 1, roots: Object.fromEntries(roots) };
  const unified = entries.find(([, , type]) => type === 'cgroup2')?.[1];
  return unified === undefined ? undefined : { version: 2, root: unified };
}

/** The control groups of one gateway's sandboxes: a group for each server below one for the data folder. */
export class ControlGroups implements Limiter {
  readonly #folders: Readonly<Partial<Record<Controller, string>>>;
  readonly #files: (limits: Limits) => Partial<Record<Controller, [file: string, value: string]>>;
  readonly #oomFile: string;
  /**
   * With version 1 a process enters by itself. To move another one the kernel stops every fork and exit of the machine
   * until all processors have taken notice, 5 ms for each controller; a thread that moves itself needs none of that.
   */
  readonly #enterByThemselves: boolean;

  private constructor(hierarchy: Hierarchy, name: string) {
    this.#enterByThemselves = hierarchy.version === 1;
    if (hierarchy.version === 1) {
      const named = Object.entries(hierarchy.roots).map(([controller, root]) => [
        controller,
        join(root, name),
      ]);
      this.#folders = Object.fromEntries(named);
      this.#files = filesOfVersion1;
      this.#oomFile = 'memory.oom_control';
    } else {
      const folder = join(hierarchy.root, name);
      this.#folders = { memory: folder, cpu: folder, pids: folder };
      this.#files = filesOfVersion2;
      this.#oomFile = 'memory.events';
    }
  }

  /**
   * Makes the group for a data folder, and removes what an earlier gateway left in it.
   *
   * @param name the group's, of that data folder's alone.
   * @returns undefined where this process may not make groups.
   */
  static open(hierarchy: Hierarchy, name: string): ControlGroups | undefined {
    const groups = new ControlGroups(hierarchy, name);
    try {
      if (hierarchy.version === 2) delegate(hierarchy.root);
      for (const folder of groups.#distinct()) {
        mkdirSync(folder, { recursive: true });
        if (hierarchy.version === 2) delegate(folder);
        for (const left of readdirSync(folder, { withFileTypes: true })) {
          if (left.isDirectory()) removeIfEmpty(join(folder, left.name));
        }
      }
      return groups;
    } catch {
      return undefined; // Read-only, or not ours: the engine says that there are no limits.
    }
  }

  get controllers(): Controller[] {
    return controllers.filter((name) => this.#folders[name] !== undefined);
  }

  launcher(id: string): Launcher {
    if (!this.#enterByThemselves) return directly; // Any process can be put into a group.
    const tasks = this.#distinct().map((folder) => join(folder, id, 'tasks'));
    return { line: ['/bin/sh', '-c', enterAndBecome, 'sh', ...tasks, '--'], env: {} };
  }

  group(id: string, limits: Limits): Group {
    const files = this.#files(limits);
    for (const folder of this.#distinct()) mkdirSync(join(folder, id));
    for (const controller of controllers) {
      const [folder, setting] = [this.#folders[controller], files[controller]];
      if (folder && setting) writeFileSync(join(folder, id, setting[0]), setting[1]);
    }
    const memory = this.#folders.memory;
    const folders = this.#distinct().map((folder) => join(folder, id));
    const oomFile = memory && join(memory, id, this.#oomFile);
    return new ControlGroup(folders, oomFile, this.#enterByThemselves);
  }

  close(): void {
    for (const folder of this.#distinct()) removeIfEmpty(folder);
  }

  #distinct(): string[] {
    return [...new Set(Object.values(this.#folders))];
  }
}

/** Enters the groups of the files before `--`, then becomes the command behind it. Without its limits it starts nothing. */
const enterAndBecome = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"';

class ControlGroup implements Group {
  readonly #folders: readonly string[];
  readonly #oomFile: string | undefined;
  readonly #isEntered: boolean;

  /** @param isEntered its process is in it already. */
  constructor(folders: readonly string[], oomFile: string | undefined, isEntered: boolean) {
    this.#folders = folders;
    this.#oomFile = oomFile;
    this.#isEntered = isEntered;
  }

  add(pid: number): void {
    if (this.#isEntered) return;
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  members(): number[] {
    const [folder] = this.#folders;
    const text = folder === undefined ? '' : readFileSync(join(folder, 'cgroup.procs'), 'utf8');
    return text.split('\n').filter(Boolean).map(Number);
  }

  get ranOutOfMemory(): boolean {
    if (this.#oomFile === undefined) return false;
    try {
      const text = readFileSync(this.#oomFile, 'utf8');
      return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
    } catch {
      return false; // No descriptor is left to read it with: the server's end is known without.
    }
  }

  async remove(): Promise<void> {
    // The last processes may be about to end: bubblewrap does not wait for them when its server ends by itself.
    const giveUpMs = performance.now() + emptyLimitMs;
    for (const folder of this.#folders) {
      while (!removeIfEmpty(folder) && performance.now() < giveUpMs) await delay(emptyPollMs);
    }
  }
}

function filesOfVersion1({ memoryBytes, cpus, processes }: Limits) {
  return {
    ...(memoryBytes > 0 && { memory: ['memory.limit_in_bytes', String(memoryBytes)] as [string, string] }),
    ...(cpus > 0 && {
      cpu: ['cpu.cfs_quota_us', String(Math.round(cpus * periodMicros))] as [string, string],
    }),
    ...(processes > 0 && { pids: ['pids.max', String(processes)] as [string, string] }),
  };
}

function filesOfVersion2({ memoryBytes, cpus, processes }: Limits) {
  const quota = `${Math.round(cpus * periodMicros)} ${periodMicros}`;
  return {
    ...(memoryBytes > 0 && { memory: ['memory.max', String(memoryBytes)] as [string, string] }),
    ...(cpus > 0 && { cpu: ['cpu.max', quota] as [string, string] }),
    ...(processes > 0 && { pids: ['pids.max', String(processes)] as [string, string] }),
  };
}

/** False for one that the kernel still counts as busy. What stays so is left to the next gateway on the data folder. */
function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EBUSY' && code !== 'ENOENT') throw error;
    return code === 'ENOENT';
  }
}

/** Lets a group's children be limited. */
function delegate(folder: string): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}
