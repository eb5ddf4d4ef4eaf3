import { type Dirent, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { extname } from 'node:path';
import type { FileEntry } from '@paddock/protocol';
import { guarded, isSystemError } from './errors.ts';
import { checkPath, prefixOf } from './path.ts';
import { isoTime } from './time.ts';
import { Turns } from './turns.ts';

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
  readonly signal?: AbortSignal;
}

interface Listing {
  readonly entries: FileEntry[];
  /** There are more entries than are listed. */
  readonly truncated: boolean;
}

/** More would not fit into an answer that a client can read. */
const limitEntries = 100_000;

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
export async function listFolder(path: string, options: ListOptions): Promise<Listing> {
  checkPath('list', path);
  const found: Found[] = [];
  const truncated = !(await guarded('list', path, () => walk(path, options, found)));
  const compare = comparisons[options.sortBy];
  found.sort((a, b) => (options.descending ? compare(b, a) : compare(a, b)) || byPath(a, b));
  return { entries: found.map(({ entry }) => entry), truncated };
}

interface Folder {
  readonly path: string;
  readonly depth: number;
}

/** False when there was too much to list. */
async function walk(root: string, options: ListOptions, found: Found[]): Promise<boolean> {
  const turns = new Turns(options.signal);
  const types = new Set(options.fileTypes.map((type) => (type.startsWith('.') ? type : `.${type}`)));
  const folders: Folder[] = [{ path: root, depth: 1 }];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const prefix = prefixOf(folder.path);
    const below: Folder[] = [];
    for (const child of readFolder(folder.path, folder.path === root)) {
      if (!options.showHidden && child.name.startsWith('.')) continue;
      if (turns.isOver) await turns.next();
      const path = prefix + child.name;
      const isDirectory = leadsToFolder(child, path);
      if (isDirectory || types.size === 0 || types.has(extname(child.name))) {
        if (found.length === limitEntries) return false;
        const entry = describe(child.name, path, isDirectory, options);
        if (entry) found.push(entry);
      }
      if (options.recursive && child.isDirectory() && folder.depth < options.maxDepth) {
        below.push({ path, depth: folder.depth + 1 });
      }
    }
    for (const next of below.reverse()) folders.push(next);
  }
  return true;
}

/**
 * What a folder holds, in order of names, so that there is little left to sort in the end; nothing when it is not the
 * folder that was asked for and cannot be read.
 */
function readFolder(path: string, isRoot: boolean): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isRoot || !isSystemError(error)) throw error;
    return [];
  }
}

function leadsToFolder(child: Dirent, path: string): boolean {
  if (!child.isSymbolicLink()) return child.isDirectory();
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    if (isSystemError(error)) return false; // A loop, or a target that may not be looked at.
    throw error;
  }
}

function describe(name: string, path: string, isDirectory: boolean, options: ListOptions): Found | undefined {
  const stats = statsOf(path);
  // Deleted while the folder was read; or its name is no UTF-8, and only the name can be told.
  if (!stats && !name.includes('\ufffd')) return undefined;
  const modifiedMs = stats?.mtimeMs ?? 0;
  const entry: FileEntry = {
    name,
    path,
    is_directory: isDirectory,
    size: options.includeSize && !isDirectory ? (stats?.size ?? null) : null,
    modified_time: stats ? isoTime(modifiedMs) : null,
    extension: isDirectory ? null : extname(name) || null,
  };
  if (options.includePermissions && stats) entry.permissions = (stats.mode & 0o777).toString(8);
  return { entry, modifiedMs };
}

const quietly = { throwIfNoEntry: false } as const;

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, quietly);
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
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
