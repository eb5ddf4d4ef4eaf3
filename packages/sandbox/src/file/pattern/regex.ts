/**
 * Reads regular expressions of ripgrep and of Python as JavaScript's. What the dialects share in letters they do not share
 * in meaning (`\d`, `\b`, `^`, `$` and the dot), so that everything is written out for the `v` flag.
 */
import { readClass } from './class.ts';
import { literal, readEscape } from './escape.ts';
import { PatternError, Scanner } from './scanner.ts';

export { PatternError } from './scanner.ts';

export interface RegexOptions {
  readonly ignoreCase: boolean;
  /** A dot matches a line break. */
  readonly dotAll: boolean;
  /** Look-around and references back, which ripgrep's engine does not have. */
  readonly lookaround: boolean;
}

export interface Regex {
  readonly regex: RegExp;
  /** Whether a match can hold a line break, or is found by one: ripgrep searches across lines only then. */
  readonly spansLines: boolean;
  /** A line break is written in the pattern itself. */
  readonly namesBreak: boolean;
}

/** More is no pattern, and would not fit on ripgrep's command line. */
const limitLength = 64 * 1024;

/** @throws {PatternError} */
export function parseRegex(pattern: string, options: RegexOptions): Regex {
  if (pattern.length > limitLength) throw new PatternError(`it is longer than ${limitLength} characters`);
  const translation = new Translation(new Scanner(pattern), options);
  const source = translation.run();
  const flags = options.ignoreCase ? 'giv' : 'gv';
  try {
    const regex = new RegExp(source, flags);
    return { regex, spansLines: translation.spansLines, namesBreak: translation.namesBreak };
  } catch {
    // Its message quotes our translation, which the caller has never seen.
    throw new PatternError('it is not a valid regular expression');
  }
}

/** A pattern that stands for itself. */
export function plainRegex(text: string, ignoreCase: boolean): Regex {
  const source = Array.from(text, literal).join('');
  const hasBreak = text.includes('\n');
  return { regex: new RegExp(source, ignoreCase ? 'giv' : 'gv'), spansLines: hasBreak, namesBreak: hasBreak };
}

interface Flags {
  readonly dotAll: boolean;
  readonly multiline: boolean;
  readonly lazy: boolean;
  readonly verbose: boolean;
}

class Translation {
  spansLines = false;
  namesBreak = false;
  readonly #scanner: Scanner;
  readonly #lookaround: boolean;
  readonly #initial: Flags;

  constructor(scanner: Scanner, { dotAll, lookaround }: RegexOptions) {
    this.#scanner = scanner;
    this.#lookaround = lookaround;
    this.#initial = { dotAll, multiline: true, lazy: false, verbose: false };
  }

  run(): string {
    const source = this.#alternatives(this.#initial);
    if (!this.#scanner.isAtEnd) throw new PatternError('unopened group');
    return source;
  }

  /** Everything up to the end of the group. Flags set on the way hold to there, also for the alternatives that follow. */
  #alternatives(outer: Flags): string {
    const scanner = this.#scanner;
    let flags = outer;
    let source = '';
    const caseGroups: string[] = [];
    while (!scanner.isAtEnd && scanner.peek() !== ')') {
      if (scanner.accept('|')) {
        source += `${')'.repeat(caseGroups.length)}|${caseGroups.join('')}`;
        continue;
      }
      if (flags.verbose && this.#skipsComment()) continue;
      const change = this.#flagsHere();
      if (change) {
        flags = change.apply(flags);
        if (change.ignoreCase !== undefined) {
          const group = change.ignoreCase ? '(?i:' : '(?-i:';
          caseGroups.push(group);
          source += group;
        }
        continue;
      }
      source += this.#repeated(this.#atom(flags), flags);
    }
    return source + ')'.repeat(caseGroups.length);
  }

  #skipsComment(): boolean {
    if (/\s/.test(this.#scanner.peek())) {
      this.#scanner.take();
      return true;
    }
    if (!this.#scanner.accept('#')) return false;
    while (!this.#scanner.isAtEnd && this.#scanner.take() !== '\n');
    return true;
  }

  /** `(?i)` and the like: not a group but a change of flags from here on. */
  #flagsHere(): FlagChange | undefined {
    const scanner = this.#scanner;
    if (scanner.peek() !== '(' || scanner.peek(1) !== '?') return undefined;
    let length = 2;
    while (/[a-zA-Z-]/.test(scanner.peek(length))) length++;
    if (scanner.peek(length) !== ')' || length === 2) return undefined;
    scanner.accept('(?');
    return readFlags(scanner.takeUntil(')'));
  }

  #atom(flags: Flags): string {
    const scanner = this.#scanner;
    const char = scanner.take();
    switch (char) {
      case '.':
        this.spansLines ||= flags.dotAll;
        return flags.dotAll ? '[\\s\\S]' : '[^\\n]';
      case '^':
        this.spansLines ||= flags.multiline;
        return flags.multiline ? '(?<![^\\n])' : '(?<![\\s\\S])';
      case '$':
        this.spansLines ||= flags.multiline;
        return flags.multiline ? '(?![^\\n])' : '(?![\\s\\S])';
      case '[':
        return this.#set(readClass(scanner));
      case '(':
        return this.#group(flags);
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw new PatternError('repetition operator missing expression');
      default:
        return this.#char(char);
    }
  }

  #escape(): string {
    const read = readEscape(this.#scanner);
    if (read.kind === 'char') return this.#char(read.char);
    if (read.kind === 'set') return this.#set(read.source);
    if (read.kind === 'reference' && !this.#lookaround)
      throw new PatternError('backreferences are not supported');
    return read.source;
  }

  #char(char: string): string {
    if (char === '\n') {
      this.spansLines = true;
      this.namesBreak = true;
    }
    return literal(char);
  }

  #set(source: string): string {
    try {
      this.spansLines ||= new RegExp(`^${source}`, 'v').test('\n');
    } catch {
      throw new PatternError('invalid character class');
    }
    return source;
  }

  #group(flags: Flags): string {
    const scanner = this.#scanner;
    let open = '(';
    let inner = flags;
    if (scanner.accept('?')) {
      const look = ['=', '!', '<=', '<!'].find((sign) => scanner.accept(sign));
      if (look) {
        if (!this.#lookaround) {
          throw new PatternError('look-around, including look-ahead and look-behind, is not supported');
        }
        open = `(?${look}`;
      } else if (scanner.accept('P<') || scanner.accept('<')) {
        open = `(?<${scanner.takeUntil('>')}>`;
      } else if (this.#lookaround && scanner.accept('P=')) {
        return `\\k<${scanner.takeUntil(')')}>`;
      } else {
        const change = readFlags(scanner.takeUntil(':'));
        inner = change.apply(flags);
        open = change.ignoreCase === undefined ? '(?:' : change.ignoreCase ? '(?i:' : '(?-i:';
      }
    }
    const source = this.#alternatives(inner);
    if (!scanner.accept(')')) throw new PatternError('unclosed group');
    return `${open}${source})`;
  }

  /** An atom with the repetitions that follow it. Each but the first repeats what is before it as a whole. */
  #repeated(atom: string, flags: Flags): string {
    let source = atom;
    for (;;) {
      const repetition = this.#repetition();
      if (!repetition) return source;
      const isLazy = this.#scanner.accept('?') !== flags.lazy;
      // A place between characters cannot be repeated in JavaScript, nor a repetition again.
      source = `(?:${source})${repetition}${isLazy ? '?' : ''}`;
    }
  }

  #repetition(): string | undefined {
    const scanner = this.#scanner;
    const sign = ['*', '+', '?'].find((candidate) => scanner.accept(candidate));
    if (sign) return sign;
    if (!scanner.accept('{')) return undefined;
    const counts = scanner.takeUntil('}').replaceAll(/\s/g, '');
    const [, from, comma, to] = /^(\d+)(,)?(\d*)$/.exec(counts) ?? [];
    if (from === undefined) throw new PatternError('repetition quantifier expects a valid decimal');
    if (to && Number(to) < Number(from)) throw new PatternError('invalid repetition count range');
    return `{${from}${comma ?? ''}${to ?? ''}}`;
  }
}

interface FlagChange {
  readonly ignoreCase: boolean | undefined;
  apply(flags: Flags): Flags;
}

function readFlags(text: string): FlagChange {
  const [on = '', off = '', ...more] = text.split('-');
  const isKnown = /^[imsUxau]*$/.test(on) && /^[imsUx]*$/.test(off) && more.length === 0;
  if (!isKnown || (off === '' && text.includes('-'))) throw new PatternError('unrecognized flag');
  const pick = (letter: string) => (on.includes(letter) ? true : off.includes(letter) ? false : undefined);
  return {
    ignoreCase: pick('i'),
    apply: (flags) => ({
      dotAll: pick('s') ?? flags.dotAll,
      multiline: pick('m') ?? flags.multiline,
      lazy: pick('U') ?? flags.lazy,
      verbose: pick('x') ?? flags.verbose,
    }),
  };
}
