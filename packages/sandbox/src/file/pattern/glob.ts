/**
 * Globs, matched segment by segment. Wildcards go back to the last star only, which is enough for globs: the time is
 * bounded by the product of the lengths, whatever the pattern.
 */

type Token =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'one' }
  | { readonly kind: 'star' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [number, number])[];
    };

/** One part of a path pattern between slashes. */
export type Segment =
  | { readonly kind: 'deep' }
  | { readonly kind: 'name'; readonly tokens: readonly Token[]; readonly literal: string | undefined };

/** How a glob is written. */
export interface Dialect {
  /** `{a,b}` means either. */
  readonly braces: boolean;
  /** A backslash takes the next character literally. */
  readonly escapes: boolean;
}

/** More alternatives than anybody writes by hand. */
const limitAlternatives = 1_000;

/** A glob that cannot be read. */
export class GlobError extends Error {
  override readonly name = 'GlobError';
}

/**
 * The alternatives of a glob, each a list of segments. `**` stands for any number of folders, at the end of a pattern
 * for everything below.
 *
 * @throws {GlobError}
 */
export function parseGlob(pattern: string, dialect: Dialect): Segment[][] {
  const alternatives = dialect.braces ? expandBraces(pattern, dialect) : [pattern];
  return alternatives.map((alternative) => parseSegments(alternative, dialect));
}

/** Whether a name matches a segment that is not `**`. */
export function matchesName(segment: Segment & { kind: 'name' }, name: string): boolean {
  return segment.literal === undefined ? matchesTokens(segment.tokens, name) : segment.literal === name;
}

/** Whether the names of a path match a pattern from its beginning to its end. */
export function matchesPath(segments: readonly Segment[], names: readonly string[]): boolean {
  let at = 0;
  let deepAt = -1;
  let retryFrom = 0;
  for (let i = 0; i < names.length; ) {
    const segment = segments[at];
    const name = names[i] ?? '';
    if (segment?.kind === 'deep') {
      deepAt = at++;
      retryFrom = i;
    } else if (segment && matchesName(segment, name)) {
      at++;
      i++;
    } else if (deepAt >= 0) {
      at = deepAt + 1;
      i = ++retryFrom;
    } else {
      return false;
    }
  }
  return at === segments.length;
}

/** Whether a segment's wildcards may match a name that begins with a dot: only when the dot is written. */
export function namesHidden(segment: Segment): boolean {
  const first = segment.kind === 'name' ? segment.tokens[0] : undefined;
  return first?.kind === 'text' && first.text.startsWith('.');
}

function matchesTokens(tokens: readonly Token[], name: string): boolean {
  let at = 0;
  let starAt = -1;
  let retryFrom = 0;
  for (let i = 0; i < name.length; ) {
    const token = tokens[at];
    if (token?.kind === 'star') {
      starAt = at++;
      retryFrom = i;
      continue;
    }
    const step = token ? lengthMatched(token, name, i) : 0;
    if (step > 0) {
      at++;
      i += step;
    } else if (starAt >= 0) {
      at = starAt + 1;
      retryFrom += widthAt(name, retryFrom);
      i = retryFrom;
    } else {
      return false;
    }
  }
  while (tokens[at]?.kind === 'star') at++;
  return at === tokens.length;
}

function lengthMatched(token: Token, name: string, at: number): number {
  if (token.kind === 'text') return name.startsWith(token.text, at) ? token.text.length : 0;
  if (token.kind === 'class') {
    const point = name.codePointAt(at) ?? 0;
    const isIn = token.ranges.some(([from, to]) => from <= point && point <= to);
    if (isIn === token.negated) return 0;
  }
  return widthAt(name, at);
}

function widthAt(name: string, at: number): number {
  return (name.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function parseSegments(pattern: string, dialect: Dialect): Segment[] {
  const segments = splitAtSlashes(pattern, dialect)
    .filter((part) => part !== '')
    .map((part): Segment => (part === '**' ? { kind: 'deep' } : nameSegment(part, dialect)));
  const last = segments.at(-1);
  if (last?.kind === 'deep') segments.push({ kind: 'name', tokens: [{ kind: 'star' }], literal: undefined });
  return segments.filter((segment, i) => segment.kind !== 'deep' || segments[i + 1]?.kind !== 'deep');
}

function splitAtSlashes(pattern: string, { escapes }: Dialect): string[] {
  const parts = [''];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? '';
    if (char === '/') parts.push('');
    else if (char === '\\' && escapes && i + 1 < pattern.length)
      parts.push(`${parts.pop()}${char}${pattern[++i]}`);
    else parts.push(parts.pop() + char);
  }
  return parts;
}

function nameSegment(part: string, dialect: Dialect): Segment {
  const tokens: Token[] = [];
  let text = '';
  const flush = () => {
    if (text) tokens.push({ kind: 'text', text });
    text = '';
  };
  for (let i = 0; i < part.length; i++) {
    const char = part[i] ?? '';
    const set = char === '[' ? parseClass(part, i) : undefined;
    if (char === '\\' && dialect.escapes && i + 1 < part.length) {
      text += part[++i];
    } else if (set) {
      flush();
      tokens.push(set.token);
      i = set.end;
    } else if (char === '*' || char === '?') {
      flush();
      if (char === '?') tokens.push({ kind: 'one' });
      else if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else {
      text += char;
    }
  }
  flush();
  const [only] = tokens;
  const literal = tokens.length === 1 && only?.kind === 'text' ? only.text : undefined;
  return { kind: 'name', tokens, literal };
}

/** A class such as `[a-z]`, `[!x]` or `[]]`; undefined when the bracket is never closed and so stands for itself. */
function parseClass(part: string, start: number): { token: Token; end: number } | undefined {
  let at = start + 1;
  const negated = part[at] === '!' || part[at] === '^';
  if (negated) at++;
  const end = part.indexOf(']', at + 1);
  if (end < 0) return undefined;
  const points = Array.from(part.slice(at, end), (char) => char.codePointAt(0) ?? 0);
  const ranges: [number, number][] = [];
  for (let i = 0; i < points.length; i++) {
    const from = points[i] ?? 0;
    const isRange = points[i + 1] === 0x2d && i + 2 < points.length;
    ranges.push([from, isRange ? (points[i + 2] ?? from) : from]);
    if (isRange) i += 2;
  }
  return { token: { kind: 'class', negated, ranges }, end };
}

/** Writes `a{b,c}` out as `ab` and `ac`. Braces without a comma stand for themselves, as in a shell. */
function expandBraces(pattern: string, dialect: Dialect): string[] {
  const done: string[] = [];
  const open = [pattern];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const group = firstGroup(next, dialect);
    if (!group) {
      done.push(next);
    } else {
      const { start, end, parts } = group;
      for (const part of parts.toReversed()) open.push(next.slice(0, start) + part + next.slice(end + 1));
    }
    if (done.length + open.length > limitAlternatives) {
      throw new GlobError(`more than ${limitAlternatives} alternatives`);
    }
  }
  return done;
}

interface Group {
  readonly start: number;
  readonly end: number;
  readonly parts: string[];
}

function firstGroup(pattern: string, dialect: Dialect): Group | undefined {
  const starts: { at: number; commas: number[] }[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    const set = char === '[' ? parseClass(pattern, i) : undefined;
    if (char === '\\' && dialect.escapes) i++;
    else if (set) i = set.end;
    else if (char === '{') starts.push({ at: i, commas: [] });
    else if (char === ',') starts.at(-1)?.commas.push(i);
    else if (char === '}') {
      const group = starts.pop();
      if (!group || group.commas.length === 0) continue;
      const cuts = [group.at, ...group.commas, i];
      const parts = cuts.slice(1).map((cut, n) => pattern.slice((cuts[n] ?? 0) + 1, cut));
      return { start: group.at, end: i, parts };
    }
  }
  return undefined;
}
