import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FileEntry } from '@paddock/protocol';
import { guarded } from './errors.ts';
import { checkPath } from './path.ts';

type Order = 'name' | 'size' | 'modified' | 'type';

export interface ListOptions {
  readonly recursive: boolean;
  readonly showHidden: boolean;
  /** Extensions of the files to give, with or without their dot; empty for all. */
  readonly fileTypes: readonly string[];
  /** 1 is the folder itself. */
  readonly maxDepth: number;
  readonly includeSize: boolean;
  readonly includePermissions: boolean;
  readonly sortBy: Order;
  readonly descending: boolean;
}

interface Found {
  readonly entry: FileEntry;
  readonly modifiedMs: number;
}

/**
 * The entries of a folder. Folders below it that cannot be read are listed and not entered; symbolic links are never
 * followed into.
 *
 * @throws {Fault} a `file_…` code for the folder itself.
 */
export async function listFolder(path: string, options: ListOptions): Promise<FileEntry[]> {
  checkPath('list', path);
  const found: Found[] = [];
  await guarded('list', path, () => walk(path, 1, options, found));
  const compare = comparisons[options.sortBy];
  found.sort((a, b) => (options.descending ? compare(b, a) : compare(a, b)) || byPath(a, b));
  return found.map(({ entry }) => entry);
}

async function walk(folder: string, depth: number, options: ListOptions, found: Found[]): Promise<void> {
  const types = new Set(options.fileTypes.map((type) => (type.startsWith('.') ? type : `.${type}`)));
  for await (const child of await opendir(folder)) {
    if (!options.showHidden && child.name.startsWith('.')) continue;
    const path = join(folder, child.name);
    const isDirectory = await leadsToFolder(child, path);
    if (isDirectory || types.size === 0 || types.has(extname(child.name))) {
      const stats = await statsIfThere(path);
      if (!stats) continue; // Deleted while the folder was read.
      found.push({
        entry: describe(child.name, path, isDirectory, stats, options),
        modifiedMs: stats.mtimeMs,
      });
    }
    if (options.recursive && child.isDirectory() && depth < options.maxDepth) {
      await walkIfAllowed(path, depth + 1, options, found);
    }
  }
}

async function walkIfAllowed(
  folder: string,
  depth: number,
  options: ListOptions,
  found: Found[],
): Promise<void> {
  try {
    await walk(folder, depth, options, found);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'EACCES' && code !== 'ENOENT') throw error;
  }
}

async function leadsToFolder(child: Dirent, path: string): Promise<boolean> {
  if (!child.isSymbolicLink()) return child.isDirectory();
  return stat(path).then(
    (target) => target.isDirectory(),
    () => false, // Dangling, or a loop.
  );
}

async function statsIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function describe(
  name: string,
  path: string,
  isDirectory: boolean,
  stats: Stats,
  options: ListOptions,
): FileEntry {
  return {
    name,
    path,
    is_directory: isDirectory,
    size: options.includeSize && !isDirectory ? stats.size : null,
    modified_time: stats.mtime.toISOString(),
    permissions: options.includePermissions ? (stats.mode & 0o777).toString(8) : null,
    extension: isDirectory ? null : extname(name) || null,
  };
}

const byPath = (a: Found, b: Found) =>
  a.entry.path < b.entry.path ? -1 : a.entry.path > b.entry.path ? 1 : 0;

const comparisons: Readonly<Record<Order, (a: Found, b: Found) => number>> = {
  name: byPath,
  size: (a, b) => (a.entry.size ?? 0) - (b.entry.size ?? 0),
  modified: (a, b) => a.modifiedMs - b.modifiedMs,
  type: (a, b) =>
    Number(b.entry.is_directory) - Number(a.entry.is_directory) ||
    (a.entry.extension ?? '').localeCompare(b.entry.extension ?? ''),
};
