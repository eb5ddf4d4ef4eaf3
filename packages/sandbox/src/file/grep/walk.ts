import { type Dirent, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { isSystemError } from '../errors.ts';
import { prefixOf } from '../path.ts';
import { Turns } from '../turns.ts';
import { Ignores, namesOf } from './ignore.ts';
import type { GrepPlan } from './request.ts';
import { lastMatch } from './rules.ts';

/** A file to search. */
export interface Candidate {
  readonly path: string;
  /** From the folder that was asked for. */
  readonly relative: string;
}

interface Folder {
  readonly path: string;
  readonly relative: string;
  readonly names: readonly string[];
  readonly depth: number;
  readonly above: Ignores | undefined;
}

/** The files that ripgrep would search in a folder: neither hidden, nor ignored, nor links, nor too large. */
export async function* walkLikeRipgrep(root: string, plan: GrepPlan): AsyncGenerator<Candidate> {
  const turns = new Turns(plan.signal);
  const real = realpathSync(root);
  const base = namesOf(real);
  const folders: Folder[] = [{ path: real, relative: '', names: [], depth: 1, above: undefined }];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const children = childrenOf(folder);
    const entries = new Set(children.map(({ name }) => name));
    const depth = base.length + folder.names.length;
    const ignores = folder.above?.below(folder.path, depth, entries) ?? Ignores.at(folder.path);
    for (const child of children) {
      if (turns.isOver) await turns.next();
      const names = [...folder.names, child.name];
      if (isLeftOut(child, names, [...base, ...names], plan, ignores)) continue;
      const path = prefixOf(folder.path) + child.name;
      const relative = folder.relative + child.name;
      if (child.isDirectory()) {
        const below = { path, relative: `${relative}/`, names, depth: folder.depth + 1, above: ignores };
        if (plan.recursive) folders.push(below);
      } else if (child.isFile() && isSmallEnough(path, plan.maxFileBytes)) {
        yield { path, relative };
      }
    }
  }
}

function isLeftOut(
  child: Dirent,
  names: readonly string[],
  allNames: readonly string[],
  plan: GrepPlan,
  ignores: Ignores,
): boolean {
  const isFolder = child.isDirectory();
  const override = lastMatch(plan.overrides, names, isFolder);
  // A glob that is asked for decides alone: also for what is hidden, ignored or of another type.
  if (override) return override.negated;
  if (!isFolder && plan.overrides.some((rule) => !rule.negated)) return true;
  const ignored = ignores.decide(allNames, isFolder);
  if (ignored) return true;
  if (plan.types && !isFolder) return !lastMatch(plan.types, names.slice(-1), false);
  return ignored === undefined && child.name.startsWith('.');
}

function childrenOf(folder: Folder): Dirent[] {
  try {
    return readdirSync(folder.path, { withFileTypes: true });
  } catch (error) {
    if (folder.depth === 1 || !isSystemError(error)) throw error;
    return []; // A folder below that may not be read is passed over.
  }
}

function isSmallEnough(path: string, limitBytes: number): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size <= limitBytes;
  } catch (error) {
    if (isSystemError(error)) return false;
    throw error;
  }
}
