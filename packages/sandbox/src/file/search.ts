import { badPattern } from './errors.ts';
import { PatternError, parseRegex } from './pattern/regex.ts';
import { MatchTimeout, underWatch } from './pattern/watch.ts';
import { readText } from './read.ts';

/** Lines that match. */
interface SearchResult {
  readonly matches: string[];
  /** From 0, as for reading a range of lines. */
  readonly lineNumbers: number[];
}

/**
 * The lines of a file that a regular expression matches; look-around and references back are allowed.
 *
 * @throws {Fault} `file_invalid_pattern`, or another `file_…` code.
 */
export async function searchFile(path: string, pattern: string): Promise<SearchResult> {
  const refuse = (error: unknown) =>
    error instanceof PatternError || error instanceof MatchTimeout
      ? badPattern('search', path, error.message)
      : error;
  try {
    const { regex } = parseRegex(pattern, { ignoreCase: false, dotAll: false, lookaround: true });
    const text = await readText(path, {}, 'search');
    return underWatch(() => matchingLines(text, regex));
  } catch (error) {
    throw refuse(error);
  }
}

function matchingLines(text: string, regex: RegExp): SearchResult {
  const matches: string[] = [];
  const lineNumbers: number[] = [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  lines.forEach((line, number) => {
    const content = line.endsWith('\r') ? line.slice(0, -1) : line;
    regex.lastIndex = 0;
    if (!regex.test(content)) return;
    matches.push(content);
    lineNumbers.push(number);
  });
  return { matches, lineNumbers };
}
