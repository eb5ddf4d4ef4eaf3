/** Rules of .gitignore files, and of ripgrep's globs, which are written alike. */
import { GlobError, matchesPath, parseGlob, type Segment } from '../pattern/glob.ts';

export interface Rule {
  /** Written with an exclamation mark. */
  readonly negated: boolean;
  readonly foldersOnly: boolean;
  readonly alternatives: readonly (readonly Segment[])[];
}

/** The rules of an ignore file. One that cannot be read is passed over, as git does. */
export function readRules(text: string): Rule[] {
  return text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .flatMap((line) => {
      if (line.startsWith('#')) return [];
      try {
        return readRule(line.replace(/(?<!\\)\s+$/, '')) ?? [];
      } catch (error) {
        if (error instanceof GlobError) return [];
        throw error;
      }
    });
}

/**
 * One rule; undefined for an empty line.
 *
 * @throws {GlobError}
 */
export function readRule(line: string): Rule | undefined {
  const negated = line.startsWith('!');
  const glob = negated ? line.slice(1) : line;
  const foldersOnly = glob.endsWith('/');
  const body = foldersOnly ? glob.replace(/\/+$/, '') : glob;
  if (body === '') return undefined;
  // A slash at the beginning or in the middle ties a rule to its folder.
  const anchored = body.includes('/');
  const alternatives = parseGlob(body, { braces: true, escapes: true })
    .filter((segments) => segments.length > 0)
    .map((segments): Segment[] =>
      anchored || segments[0]?.kind === 'deep' ? segments : [{ kind: 'deep' }, ...segments],
    );
  return { negated, foldersOnly, alternatives };
}

/** The last rule that matches a path, given as names from the folder of the rules. */
export function lastMatch(
  rules: readonly Rule[],
  names: readonly string[],
  isFolder: boolean,
): Rule | undefined {
  return rules.findLast(
    (rule) =>
      (isFolder || !rule.foldersOnly) && rule.alternatives.some((segments) => matchesPath(segments, names)),
  );
}
