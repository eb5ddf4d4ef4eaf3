import type { GrepMatch } from '@paddock/protocol';

/** A line, or the lines of one match, without the break at its end. */
export interface Block {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** What one file gave. */
export interface FileMatches {
  /** As it is told. */
  readonly file: string;
  readonly matches: readonly Block[];
  /** Every line that may be needed around the matches, by its number. */
  readonly lineAt: (line: number) => string | undefined;
}

interface Window {
  readonly offset: number;
  readonly maxResults: number;
  readonly contextBefore: number;
  readonly contextAfter: number;
}

/** Text that is held at once, at most. */
const limitBytes = 32 * 1024 * 1024;

interface Held {
  readonly matches: readonly GrepMatch[];
  readonly file: string;
}

/** Puts matches into order and keeps only what the answer can need: files come in any order, and any number of them. */
export class Collection {
  matchCount = 0;
  filesMatched = 0;
  /** Files that were looked at; known where none matched, so that a search in the wrong place is told from a vain one. */
  filesSearched: number | undefined;
  readonly #window: Window;
  readonly #keep: number;
  #held: Held[] = [];
  #heldMatches = 0;
  #heldBytes = 0;
  #cut = false;

  constructor(window: Window) {
    this.#window = window;
    this.#keep = window.offset + window.maxResults;
  }

  add(found: FileMatches): void {
    this.filesMatched++;
    this.matchCount += found.matches.length;
    const matches = found.matches.slice(0, this.#keep).map((block) => this.#describe(found, block));
    this.#held.push({ file: found.file, matches });
    this.#heldMatches += matches.length;
    this.#heldBytes += matches.reduce((sum, match) => sum + sizeOf(match), 0);
    if (this.#heldMatches > 2 * this.#keep + 1_000 || this.#heldBytes > 2 * limitBytes) this.#trim();
  }

  /** The part that was asked for, in the order of paths and lines. */
  result(): { readonly matches: readonly GrepMatch[]; readonly truncated: boolean } {
    this.#trim();
    const matches = this.#held.flatMap((held) => held.matches).slice(this.#window.offset, this.#keep);
    return { matches, truncated: this.#cut || this.matchCount > this.#keep };
  }

  #trim(): void {
    this.#held.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
    const held = this.#held;
    this.#held = [];
    this.#heldMatches = 0;
    this.#heldBytes = 0;
    for (const { file, matches } of held) {
      if (this.#heldMatches >= this.#keep) return;
      if (this.#heldBytes > limitBytes) {
        this.#cut = true;
        return;
      }
      this.#held.push({ file, matches });
      this.#heldMatches += matches.length;
      this.#heldBytes += matches.reduce((sum, match) => sum + sizeOf(match), 0);
    }
  }

  #describe({ file, lineAt }: FileMatches, { line, text }: Block): GrepMatch {
    const { contextBefore, contextAfter } = this.#window;
    const end = line + text.split('\n').length;
    return {
      file,
      line_number: line,
      line_content: text,
      context_before: linesBetween(Math.max(1, line - contextBefore), line, lineAt),
      context_after: linesBetween(end, end + contextAfter, lineAt),
    };
  }
}

/** A line's text without its break. */
export function withoutBreak(text: string): string {
  return text.endsWith('\r\n') ? text.slice(0, -2) : text.endsWith('\n') ? text.slice(0, -1) : text;
}

function linesBetween(from: number, to: number, lineAt: (line: number) => string | undefined): string[] {
  const lines: string[] = [];
  for (let line = from; line < to; line++) {
    const text = lineAt(line);
    if (text === undefined) break;
    lines.push(text);
  }
  return lines;
}

function sizeOf({ line_content, context_before, context_after }: GrepMatch): number {
  const around = [...(context_before ?? []), ...(context_after ?? [])];
  return 200 + around.reduce((sum, line) => sum + line.length, line_content.length);
}
