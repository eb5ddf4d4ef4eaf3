import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSystemError } from '../errors.ts';
import { lastMatch, type Rule, readRules } from './rules.ts';

/** From the one that decides first: ripgrep's own file, the common one, git's, and git's private one. */
const ignoreFiles = ['.rgignore', '.ignore', '.gitignore', '.git/info/exclude'] as const;
type IgnoreFile = (typeof ignoreFiles)[number];
const gitsOwn = (file: IgnoreFile) => file === '.gitignore' || file === '.git/info/exclude';

interface Level {
  /** How many names its folder's path has. */
  readonly depth: number;
  readonly hasGit: boolean;
  readonly rules: Readonly<Partial<Record<IgnoreFile, readonly Rule[]>>>;
  readonly parent: Level | undefined;
}

/**
 * What the ignore files in a folder and above it say, by ripgrep's rules: the nearest file of the first kind that has
 * something to say decides, and git's files count only inside of a repository and up to its top.
 */
export class Ignores {
  readonly #level: Level;

  /** Those that hold in a folder, read upwards from it. The path must be free of links. */
  static at(folder: string): Ignores {
    const above = folder === '/' ? undefined : Ignores.at(dirname(folder)).#level;
    return new Ignores(readLevel(folder, namesOf(folder).length, above, isIn(folder)));
  }

  private constructor(level: Level) {
    this.#level = level;
  }

  /** Those of a folder below, whose path and entries are known. */
  below(folder: string, depth: number, entries: ReadonlySet<string>): Ignores {
    return new Ignores(readLevel(folder, depth, this.#level, (name) => entries.has(name)));
  }

  /** True for a path to leave out, false for one to keep even when it is hidden. */
  decide(names: readonly string[], isFolder: boolean): boolean | undefined {
    for (const file of ignoreFiles) {
      if (gitsOwn(file) && !this.#isInRepository()) continue;
      const rule = this.#ruleOf(file, names, isFolder);
      if (rule) return !rule.negated;
    }
    return undefined;
  }

  #isInRepository(): boolean {
    for (let level: Level | undefined = this.#level; level; level = level.parent)
      if (level.hasGit) return true;
    return false;
  }

  #ruleOf(file: IgnoreFile, names: readonly string[], isFolder: boolean): Rule | undefined {
    for (let level: Level | undefined = this.#level; level; level = level.parent) {
      const rules = level.rules[file];
      const rule = rules && lastMatch(rules, names.slice(level.depth), isFolder);
      if (rule) return rule;
      if (level.hasGit && gitsOwn(file)) return undefined;
    }
    return undefined;
  }
}

/** The names of an absolute path. */
export function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function readLevel(
  folder: string,
  depth: number,
  parent: Level | undefined,
  has: (name: string) => boolean,
): Level {
  const hasGit = has('.git');
  const files = ignoreFiles.filter((file) => has(file.split('/', 1)[0] ?? file));
  if (parent && !hasGit && files.length === 0) return { ...parent, depth: parent.depth };
  const rules = Object.fromEntries(files.map((file) => [file, readRules(textOf(`${folder}/${file}`))]));
  return { depth, hasGit, rules, parent };
}

function isIn(folder: string): (name: string) => boolean {
  let entries: Set<string> | undefined;
  return (name) => {
    try {
      entries ??= new Set(readdirSync(folder));
      return entries.has(name);
    } catch (error) {
      if (isSystemError(error)) return existsSync(`${folder}/${name}`); // Entered, but not read.
      throw error;
    }
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isSystemError(error)) return ''; // Not there, a folder, or not ours to read: no rules.
    throw error;
  }
}
