import { badPattern } from '../errors.ts';
import { GlobError } from '../pattern/glob.ts';
import { PatternError, parseRegex, plainRegex, type Regex } from '../pattern/regex.ts';
import { type Rule, readRule } from './rules.ts';
import { globsOfType } from './types.ts';

/** What to search for and where, as it was asked. */
export interface GrepOptions {
  readonly path: string;
  readonly pattern: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly ignoreCase: boolean;
  readonly fixedStrings: boolean;
  readonly contextBefore: number;
  readonly contextAfter: number;
  readonly maxResults: number;
  readonly offset: number;
  /** In bytes, or with K, M or G. */
  readonly maxFileSize: string;
  readonly multiline: boolean;
  readonly type: string | undefined;
  readonly recursive: boolean;
  readonly signal?: AbortSignal;
}

/** A request that has been checked, in the terms of both engines. */
export interface GrepPlan extends GrepOptions {
  readonly maxFileBytes: number;
  /** The globs as ripgrep takes them: the last that matches decides. */
  readonly globs: readonly string[];
  readonly typeGlobs: readonly string[] | undefined;
  readonly overrides: readonly Rule[];
  readonly types: readonly Rule[] | undefined;
  readonly regex: Regex;
}

/** The largest file that is searched, whatever is asked for: a match may be a whole file. */
const limitBytes = 64 * 1024 * 1024;

const units: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/**
 * Checks a request, so that both engines refuse the same.
 *
 * @throws {Fault} `file_invalid_pattern`.
 */
export function planGrep(options: GrepOptions): GrepPlan {
  try {
    const globs = [...options.include, ...options.exclude.map((glob) => `!${glob}`)];
    for (const text of [options.pattern, ...globs]) {
      if (text.includes('\0')) throw new PatternError('it holds a NUL byte');
    }
    const typeGlobs = options.type === undefined ? undefined : globsOfType(options.type);
    if (options.type !== undefined && !typeGlobs) throw new PatternError('unrecognized file type');
    return {
      ...options,
      maxFileBytes: Math.min(limitBytes, parseSize(options.maxFileSize)),
      globs,
      typeGlobs,
      overrides: globs.flatMap((glob) => readRule(glob) ?? []),
      types: typeGlobs?.flatMap((glob) => readRule(glob) ?? []),
      regex: regexOf(options),
    };
  } catch (error) {
    if (!(error instanceof PatternError) && !(error instanceof GlobError)) throw error;
    throw badPattern('grep', options.path, error.message);
  }
}

function regexOf({ pattern, ignoreCase, multiline, fixedStrings }: GrepOptions): Regex {
  const regex = fixedStrings
    ? plainRegex(pattern, ignoreCase)
    : parseRegex(pattern, { ignoreCase, dotAll: multiline, lookaround: false });
  if (regex.namesBreak && !multiline) throw new PatternError('a line break in it takes multiline');
  return regex;
}

function parseSize(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15})([KMG]?)B?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) throw new PatternError('max_file_size must be bytes, or a number with K, M or G');
  return Number(digits) * (units[unit.toUpperCase()] ?? 1);
}
