import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isSystemError } from '../errors.ts';
import { underWatch } from '../pattern/watch.ts';
import { type Block, type Collection, withoutBreak } from './collect.ts';
import type { GrepPlan } from './request.ts';
import type { Place } from './ripgrep.ts';
import { walkLikeRipgrep } from './walk.ts';

/** Searches without ripgrep, with the same results. */
export async function searchBuiltin(plan: GrepPlan, place: Place, into: Collection): Promise<void> {
  let searched = 0;
  const one = (path: string, relative: string) => {
    searched++;
    const bytes = readIfAllowed(path);
    if (!bytes) return;
    const found = searchText(bytes, plan);
    if (found.matches.length > 0) into.add({ file: place.tell(relative), ...found });
  };
  if (place.isFile) {
    const name = place.argument.slice('./'.length);
    one(`${place.folder}/${name}`, name);
  } else {
    for await (const { path, relative } of walkLikeRipgrep(place.folder, plan)) one(path, relative);
  }
  if (into.filesMatched === 0) into.filesSearched = searched;
}

function readIfAllowed(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(fd).isFile() ? readFileSync(fd) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isSystemError(error)) return undefined; // Gone, or not ours to read: passed over, as ripgrep does.
    throw error;
  }
}

interface Found {
  readonly matches: Block[];
  readonly lineAt: (line: number) => string | undefined;
}

/** How much of a file ripgrep looks at for NUL bytes before it searches across lines. */
const binaryHeadBytes = 64 * 1024;

function searchText(bytes: Buffer, plan: GrepPlan): Found {
  const text = decode(bytes);
  const acrossLines = plan.multiline && plan.regex.spansLines;
  const nothing: Found = { matches: [], lineAt: () => undefined };
  const nul = text.indexOf('\0');
  if (nul >= 0 && (!acrossLines || nul < binaryHeadBytes)) return nothing;
  const { regex } = plan.regex;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const matches = underWatch(() => {
    regex.lastIndex = 0;
    // Most files hold no match at all: what no line break could tell apart is decided in one go.
    if (!regex.test(text)) return [];
    regex.lastIndex = 0;
    return acrossLines ? blocksAcross(text, regex) : linesMatching(lines, regex);
  });
  if (nul >= 0 && matches.some((match) => match.text.includes('\0'))) return nothing;
  return { matches, lineAt: (line) => lines[line - 1] && withoutBreak(`${lines[line - 1]}\n`) };
}

function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder('utf-8').decode(bytes);
}

function linesMatching(lines: readonly string[], regex: RegExp): Block[] {
  const matches: Block[] = [];
  lines.forEach((line, i) => {
    regex.lastIndex = 0;
    if (regex.test(line)) matches.push({ line: i + 1, text: withoutBreak(`${line}\n`) });
  });
  return matches;
}

/** Matches with the whole of the lines that they touch. Those whose lines overlap or touch are one block. */
function blocksAcross(text: string, regex: RegExp): Block[] {
  const spans: { start: number; end: number }[] = [];
  for (const match of text.matchAll(regex)) {
    const from = match.index;
    const to = from + match[0].length;
    // What matches nothing behind the last line break is on no line.
    if (from === text.length && (from === 0 || text[from - 1] === '\n')) continue;
    const start = from === 0 ? 0 : text.lastIndexOf('\n', from - 1) + 1;
    const lineBreak = text.indexOf('\n', Math.max(from, to - 1));
    const end = lineBreak < 0 ? text.length : lineBreak + 1;
    const last = spans.at(-1);
    if (last && last.end >= start) last.end = Math.max(last.end, end);
    else spans.push({ start, end });
  }
  let line = 1;
  let counted = 0;
  return spans.map(({ start, end }) => {
    line += text.slice(counted, start).split('\n').length - 1;
    counted = start;
    return { line, text: withoutBreak(text.slice(start, end)) };
  });
}
