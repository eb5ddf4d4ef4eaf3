import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What one sandbox may use; 0 is no limit. */
export interface Limits {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly processes: number;
}

type Controller = 'memory' | 'cpu' | 'pids';
const controllers: readonly Controller[] = ['memory', 'cpu', 'pids'];

/** Where the kernel's control groups are mounted: one tree for each controller, or one for all. */
export type Hierarchy =
  | { readonly version: 1; readonly roots: Readonly<Partial<Record<Controller, string>>> }
  | { readonly version: 2; readonly root: string };

const periodMicros = 100_000;

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
export class ControlGroups {
  readonly #folders: Readonly<Partial<Record<Controller, string>>>;
  readonly #files: (limits: Limits) => Partial<Record<Controller, [file: string, value: string]>>;
  readonly #oomFile: string;
  readonly #limits: Limits;

  private constructor(hierarchy: Hierarchy, name: string, limits: Limits) {
    this.#limits = limits;
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
   * @returns undefined where this process may not make groups.
   */
  static open(hierarchy: Hierarchy, dataDir: string, limits: Limits): ControlGroups | undefined {
    const name = `paddock-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
    const groups = new ControlGroups(hierarchy, name, limits);
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

  /** The controllers that are there, for what operators are told. */
  get controllers(): Controller[] {
    return controllers.filter((name) => this.#folders[name] !== undefined);
  }

  /** Makes the group of one server, with its limits set. */
  create(id: string): ControlGroup {
    const files = this.#files(this.#limits);
    for (const folder of this.#distinct()) mkdirSync(join(folder, id));
    for (const controller of controllers) {
      const [folder, setting] = [this.#folders[controller], files[controller]];
      if (folder && setting) writeFileSync(join(folder, id, setting[0]), setting[1]);
    }
    const memory = this.#folders.memory;
    const folders = this.#distinct().map((folder) => join(folder, id));
    return new ControlGroup(folders, memory && join(memory, id, this.#oomFile));
  }

  /** Removes the group, once those of all servers are gone. */
  close(): void {
    for (const folder of this.#distinct()) removeIfEmpty(folder);
  }

  #distinct(): string[] {
    return [...new Set(Object.values(this.#folders))];
  }
}

/** The control group of one server: everything that it starts is in it and cannot leave. */
export class ControlGroup {
  readonly #folders: readonly string[];
  readonly #oomFile: string | undefined;

  constructor(folders: readonly string[], oomFile: string | undefined) {
    this.#folders = folders;
    this.#oomFile = oomFile;
  }

  /** Takes a process in. What it has started before stays where it is. */
  add(pid: number): void {
    for (const folder of this.#folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  }

  /** Whether the kernel had to kill one of the processes for want of memory. */
  get ranOutOfMemory(): boolean {
    const text = this.#oomFile ? readFileSync(this.#oomFile, 'utf8') : '';
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0;
  }

  /** Removes the group. Its processes must be gone. */
  remove(): void {
    for (const folder of this.#folders) removeIfEmpty(folder);
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

/** A group that the kernel still counts as busy is left to the next gateway on the data folder. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EBUSY')) throw error;
  }
}

/** Lets a group's children be limited. */
function delegate(folder: string): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
}
