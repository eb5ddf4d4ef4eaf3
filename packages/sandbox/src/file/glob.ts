import { type Stats, statSync } from 'node:fs';
import type { GlobbedFile } from '@paddock/protocol';
import { badPattern, isSystemError } from './errors.ts';
import { findMatches, type Match } from './find.ts';
import { lastMatch, type Rule, readRule } from './grep/rules.ts';
import { GlobError } from './pattern/glob.ts';

type Order = 'path' | 'name' | 'size' | 'modified';

export interface GlobOptions {
  readonly exclude: readonly string[];
  readonly includeHidden: boolean;
  readonly filesOnly: boolean;
  readonly includeMetadata: boolean;
  readonly maxResults: number;
  readonly sortBy: Order;
  readonly descending: boolean;
  readonly signal?: AbortSignal;
}

/** The paths that a glob matches, written as Python's glob module has it, in order. */
export async function findNames(path: string, pattern: string, signal?: AbortSignal): Promise<string[]> {
  const matches = await findMatches(path, pattern, {
    operation: 'find',
    dialect: { braces: false, escapes: false },
    includeHidden: false,
    ...(signal && { signal }),
  });
  return matches.map((match) => match.path).sort();
}

/** The files that a glob matches: as many as are asked for, and how many there are. */
export async function globFiles(
  path: string,
  pattern: string,
  options: GlobOptions,
): Promise<{ files: GlobbedFile[]; total: number }> {
  const { signal, includeHidden, filesOnly, sortBy, descending, includeMetadata } = options;
  const rules = excludeRules(path, options.exclude);
  const found = await findMatches(path, pattern, {
    operation: 'glob',
    dialect: { braces: true, escapes: true },
    includeHidden,
    ...(rules.length > 0 && { isExcluded: (names) => isExcluded(rules, names) }),
    ...(signal && { signal }),
  });
  const matches = filesOnly ? found.filter((match) => !match.isDirectory) : found;
  const needsStats = sortBy === 'size' || sortBy === 'modified';
  const known = matches.map((match) => ({ match, stats: needsStats ? statsOf(match.path) : undefined }));
  const compare = comparisons[sortBy];
  known.sort((a, b) => (descending ? compare(b, a) : compare(a, b)) || byPath(a, b));
  const chosen = known.slice(0, options.maxResults);
  const files = chosen.map(({ match, stats }) =>
    describe(match, includeMetadata ? (stats ?? statsOf(match.path)) : undefined),
  );
  return { files, total: matches.length };
}

function excludeRules(path: string, globs: readonly string[]): Rule[] {
  try {
    return globs.flatMap((glob) => readRule(glob) ?? []);
  } catch (error) {
    if (error instanceof GlobError) throw badPattern('glob', path, error.message);
    throw error;
  }
}

function isExcluded(rules: readonly Rule[], names: readonly string[]): boolean {
  const rule = lastMatch(rules, names, true);
  return rule !== undefined && !rule.negated;
}

function describe({ path, name, isDirectory }: Match, stats: Stats | undefined): GlobbedFile {
  const size = stats && !isDirectory ? stats.size : null;
  return { path, name, is_directory: isDirectory, size, modified_time: stats?.mtime.toISOString() ?? null };
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (isSystemError(error)) return undefined; // Gone meanwhile, or a link that leads nowhere.
    throw error;
  }
}

interface Known {
  readonly match: Match;
  readonly stats: Stats | undefined;
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const byPath = (a: Known, b: Known) => compareText(a.match.path, b.match.path);

const comparisons: Readonly<Record<Order, (a: Known, b: Known) => number>> = {
  path: byPath,
  name: (a, b) => compareText(a.match.name, b.match.name),
  size: (a, b) => (a.stats?.size ?? 0) - (b.stats?.size ?? 0),
  modified: (a, b) => (a.stats?.mtimeMs ?? 0) - (b.stats?.mtimeMs ?? 0),
};
