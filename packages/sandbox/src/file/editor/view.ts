import { stat } from 'node:fs/promises';
import { InvalidInput } from '@paddock/http';
import { guarded } from '../errors.ts';
import { listFolder } from '../list.ts';
import { checkPath } from '../path.ts';
import { readText } from '../read.ts';

/** A folder's view is for a model to read: more would bury what it looks for. */
const limitEntries = 1_000;

/** A file with its line numbers, or a folder two levels deep, as text for a model. */
export async function view(path: string, range: readonly number[]): Promise<string> {
  checkPath('view', path);
  const stats = await guarded('view', path, () => stat(path));
  if (!stats.isDirectory()) return viewFile(path, range);
  if (range.length > 0) throw invalidRange('it is for files only');
  return viewFolder(path);
}

/** Lines with their numbers, from the given one on. */
export function numbered(lines: readonly string[], from: number): string {
  return lines.map((line, i) => `${String(from + i).padStart(6)}\t${line}\n`).join('');
}

/** The lines of a text; the break at its end begins no further one. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.length > 1 && lines.at(-1) === '') lines.pop();
  return lines;
}

async function viewFile(path: string, range: readonly number[]): Promise<string> {
  const lines = linesOf(await readText(path, {}, 'view'));
  const [first, last] = checkRange(range, lines.length);
  return `Here's the result of running \`cat -n\` on ${path}:\n${numbered(lines.slice(first - 1, last), first)}`;
}

/** The first and the last line to show. */
function checkRange(range: readonly number[], lineCount: number): readonly [number, number] {
  if (range.length === 0) return [1, lineCount];
  const [first = 0, last = 0] = range;
  if (range.length !== 2) throw invalidRange('it must be a list of two integers');
  if (first < 1 || first > lineCount) throw invalidRange(`its first line must be from 1 to ${lineCount}`);
  if (last === -1) return [first, lineCount];
  if (last < first) throw invalidRange('its last line must not be before its first');
  return [first, Math.min(last, lineCount)];
}

function invalidRange(why: string): InvalidInput {
  const msg = `Invalid \`view_range\`: ${why}`;
  return new InvalidInput([{ loc: ['body', 'view_range'], msg, type: 'value_error' }]);
}

async function viewFolder(path: string): Promise<string> {
  const { entries } = await listFolder(path, {
    recursive: true,
    showHidden: false,
    fileTypes: [],
    maxDepth: 2,
    includeSize: false,
    includePermissions: false,
    sortBy: 'name',
    descending: false,
  });
  const paths = entries.slice(0, limitEntries).map((entry) => entry.path + (entry.is_directory ? '/' : ''));
  const more = entries.length - paths.length;
  const rest = more > 0 ? [`... and ${more} more`] : [];
  const head = `Here's the files and directories up to 2 levels deep in ${path}, excluding hidden items:`;
  return [head, path, ...paths, ...rest].join('\n');
}
