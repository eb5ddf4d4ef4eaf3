import { type Dirent, lstatSync, readdirSync, statSync } from 'node:fs';
import { badPattern, guarded, isSystemError } from './errors.ts';
import { checkPath, prefixOf } from './path.ts';
import {
  type Dialect,
  GlobError,
  matchesName,
  namesHidden,
  parseGlob,
  type Segment,
} from './pattern/glob.ts';
import { Turns } from './turns.ts';

/** Something that a glob matches. */
export interface Match {
  readonly path: string;
  readonly name: string;
  readonly isDirectory: boolean;
}

interface FindOptions {
  readonly operation: string;
  readonly dialect: Dialect;
  /** Wildcards match names that begin with a dot. */
  readonly includeHidden: boolean;
  /** Skips what it says true to, and everything below. `names` is the way from the folder. */
  readonly isExcluded?: (names: readonly string[]) => boolean;
  readonly signal?: AbortSignal;
}

/** A place in one of the alternatives of a pattern. */
interface Place {
  readonly segments: readonly Segment[];
  readonly at: number;
}

interface Folder {
  readonly path: string;
  readonly names: readonly string[];
  readonly places: readonly Place[];
  readonly isRoot: boolean;
}

/**
 * What a glob matches below a folder, in no order. A folder is entered only where the pattern can lead on; `**` does not
 * follow symbolic links, a written name does.
 *
 * @throws {Fault} `file_invalid_pattern`, or a `file_…` code for the folder itself.
 */
export async function findMatches(path: string, pattern: string, options: FindOptions): Promise<Match[]> {
  const { operation } = options;
  checkPath(operation, path);
  if (pattern.includes('\0')) throw badPattern(operation, path, 'it holds a NUL byte');
  const alternatives = parseOrRefuse(path, pattern, options).filter((segments) => segments.length > 0);
  return guarded(operation, path, async () => {
    const root = {
      path,
      names: [],
      places: alternatives.map((segments) => ({ segments, at: 0 })),
      isRoot: true,
    };
    assertFolder(path);
    return walk(root, options);
  });
}

function parseOrRefuse(path: string, pattern: string, { operation, dialect }: FindOptions): Segment[][] {
  try {
    return parseGlob(pattern, dialect);
  } catch (error) {
    if (error instanceof GlobError) throw badPattern(operation, path, error.message);
    throw error;
  }
}

async function walk(root: Folder, options: FindOptions): Promise<Match[]> {
  const turns = new Turns(options.signal);
  const matches: Match[] = [];
  const folders = [root];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const places = withoutDeep(folder.places);
    const prefix = prefixOf(folder.path);
    for (const child of childrenOf(folder, places)) {
      if (turns.isOver) await turns.next();
      const { isMatch, next } = step(places, child, options);
      if (!isMatch && next.length === 0) continue;
      const names = options.isExcluded ? [...folder.names, child.name] : folder.names;
      if (options.isExcluded?.(names)) continue;
      const path = prefix + child.name;
      const isDirectory = child.isDirectory() || (child.isSymbolicLink() && isFolder(path));
      if (isMatch) matches.push({ path, name: child.name, isDirectory });
      if (isDirectory && next.length > 0) folders.push({ path, names, places: next, isRoot: false });
    }
  }
  return matches;
}

/** `**` may stand for no folder at all: each such place is also the place behind it. */
function withoutDeep(places: readonly Place[]): Place[] {
  return places.flatMap((place) =>
    place.segments[place.at]?.kind === 'deep'
      ? [place, { segments: place.segments, at: place.at + 1 }]
      : [place],
  );
}

/** Whether a pattern ends at this child, and where patterns go on below it. */
function step(places: readonly Place[], child: Child, options: FindOptions) {
  const isHidden = !options.includeHidden && child.name.startsWith('.');
  const next: Place[] = [];
  let isMatch = false;
  for (const { segments, at } of places) {
    const segment = segments[at];
    if (!segment || (isHidden && !namesHidden(segment))) continue;
    if (segment.kind === 'deep') {
      if (child.isDirectory()) next.push({ segments, at });
    } else if (matchesName(segment, child.name)) {
      if (at + 1 === segments.length) isMatch = true;
      else next.push({ segments, at: at + 1 });
    }
  }
  return { isMatch, next };
}

/** The children that can matter: where only names are asked for, the folder need not be read. */
function childrenOf(folder: Folder, places: readonly Place[]): Child[] {
  const literals = new Set<string>();
  for (const { segments, at } of places) {
    const segment = segments[at];
    if (segment?.kind !== 'name' || segment.literal === undefined) return readdirOf(folder);
    literals.add(segment.literal);
  }
  return [...literals].flatMap((name) => childNamed(folder.path, name));
}

function readdirOf(folder: Folder): Dirent[] {
  try {
    return readdirSync(folder.path, { withFileTypes: true });
  } catch (error) {
    if (folder.isRoot || !isSystemError(error)) throw error;
    return []; // A folder below that may not be read holds nothing that can be found.
  }
}

type Child = Pick<Dirent, 'name' | 'isDirectory' | 'isSymbolicLink'>;

function childNamed(folder: string, name: string): Child[] {
  try {
    const stats = lstatSync(prefixOf(folder) + name, { throwIfNoEntry: false });
    if (!stats) return [];
    return [{ name, isDirectory: () => stats.isDirectory(), isSymbolicLink: () => stats.isSymbolicLink() }];
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}

/** Fails as entering it would: also where a name below is all that is asked for. */
function assertFolder(path: string): void {
  lstatSync(`${prefixOf(path)}.`);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    if (isSystemError(error)) return false; // A loop, or a target that may not be looked at.
    throw error;
  }
}
