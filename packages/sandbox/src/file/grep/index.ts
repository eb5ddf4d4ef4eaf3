import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { GrepMatch } from '@paddock/protocol';
import { badPattern, fileFault, guarded } from '../errors.ts';
import { checkPath, prefixOf } from '../path.ts';
import { PatternError } from '../pattern/regex.ts';
import { MatchTimeout } from '../pattern/watch.ts';
import { searchBuiltin } from './builtin.ts';
import { Collection } from './collect.ts';
import { type GrepOptions, planGrep } from './request.ts';
import { type Place, searchWithRipgrep } from './ripgrep.ts';

export type { GrepOptions } from './request.ts';

interface GrepResult {
  readonly matches: readonly GrepMatch[];
  readonly matchCount: number;
  /** Told where none matched. */
  readonly filesSearched: number | undefined;
  readonly filesMatched: number;
  readonly truncated: boolean;
}

/** `auto` takes ripgrep where it is installed. */
export type Engine = 'auto' | 'builtin';

/**
 * Searches the files of a folder, or one file, by ripgrep's rules. Matches are in the order of their paths and lines.
 *
 * @throws {Fault} `file_invalid_pattern`, or another `file_…` code for the path itself.
 */
export async function grep(options: GrepOptions, engine: Engine = 'auto'): Promise<GrepResult> {
  checkPath('grep', options.path);
  const plan = planGrep(options);
  try {
    return await guarded('grep', options.path, async () => {
      const place = await placeOf(options.path);
      const into = new Collection(options);
      const isDone = engine === 'auto' && (await searchWithRipgrep(plan, place, into));
      if (!isDone) await searchBuiltin(plan, place, into);
      const { matchCount, filesMatched, filesSearched } = into;
      return { ...into.result(), matchCount, filesMatched, filesSearched };
    });
  } catch (error) {
    const isRefused = error instanceof PatternError || error instanceof MatchTimeout;
    throw isRefused ? badPattern('grep', options.path, error.message) : error;
  }
}

async function placeOf(path: string): Promise<Place> {
  const stats = await stat(path);
  if (stats.isDirectory()) {
    const prefix = prefixOf(path);
    return { folder: path, argument: './', tell: (relative) => prefix + relative, isFile: false };
  }
  if (!stats.isFile()) {
    const detail = 'is neither a file nor a folder';
    throw fileFault({ operation: 'grep', path, type: 'invalid_target', detail });
  }
  return { folder: dirname(path), argument: `./${basename(path)}`, tell: () => path, isFile: true };
}
