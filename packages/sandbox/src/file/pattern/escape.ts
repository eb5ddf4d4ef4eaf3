import { PatternError, type Scanner } from './scanner.ts';

/** What a backslash and what follows it stand for: one character, a set of them, or a place between them. */
export type Escape =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'place'; readonly source: string }
  | { readonly kind: 'reference'; readonly source: string };

/** Letters, marks, digits and connectors of all scripts, as Unicode defines words for regular expressions. */
const word = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

const sets: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  w: `[${word}]`,
  W: `[^${word}]`,
};

const places: Readonly<Record<string, string>> = {
  b: `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
  B: `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`,
  A: '(?<![\\s\\S])',
  z: '(?![\\s\\S])',
  Z: '(?![\\s\\S])',
};

const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v', a: '\x07' };

const digitsOf: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Reads what follows a backslash. */
export function readEscape(scanner: Scanner): Escape {
  const char = scanner.take();
  const set = sets[char];
  if (set) return { kind: 'set', source: set };
  const place = places[char];
  if (place) return { kind: 'place', source: place };
  const control = controls[char];
  if (control) return { kind: 'char', char: control };
  if (char === 'p' || char === 'P') return { kind: 'set', source: readProperty(scanner, char) };
  const digits = digitsOf[char];
  if (digits) return { kind: 'char', char: readHex(scanner, digits) };
  if (/[1-9]/.test(char)) return { kind: 'reference', source: `\\${char}` };
  if (/[\p{L}\p{N}<>]/u.test(char)) throw new PatternError('unrecognized escape sequence');
  return { kind: 'char', char };
}

/** A character as it is written in a pattern of JavaScript, in and outside of classes. */
export function literal(char: string): string {
  return /[\p{L}\p{N}_]/u.test(char) ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}

function readHex(scanner: Scanner, count: number): string {
  let text = '';
  if (scanner.accept('{')) text = scanner.takeUntil('}');
  else for (let i = 0; i < count; i++) text += scanner.take();
  const point = /^[0-9A-Fa-f]{1,8}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
  if (!(point <= 0x10ffff) || (point >= 0xd800 && point <= 0xdfff))
    throw new PatternError('invalid hexadecimal escape');
  return String.fromCodePoint(point);
}

/** A property is named more freely in ripgrep: `\pL`, `\p{Greek}`, `\p{^L}`. */
function readProperty(scanner: Scanner, letter: 'p' | 'P'): string {
  let name = scanner.accept('{') ? scanner.takeUntil('}') : scanner.take();
  const isTurned = name.startsWith('^');
  if (isTurned) name = name.slice(1);
  const sign = (letter === 'P') !== isTurned ? 'P' : 'p';
  for (const spelling of [name, `Script=${name}`, `Script_Extensions=${name.replace(/^scx=/, '')}`]) {
    if (isProperty(spelling)) return `\\${sign}{${spelling}}`;
  }
  throw new PatternError('Unicode property not found');
}

function isProperty(spelling: string): boolean {
  try {
    return new RegExp(`\\p{${spelling}}`, 'v') instanceof RegExp;
  } catch {
    return false;
  }
}
