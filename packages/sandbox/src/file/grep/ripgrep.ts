import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { isSystemError } from '../errors.ts';
import { PatternError } from '../pattern/regex.ts';
import { type Block, type Collection, withoutBreak } from './collect.ts';
import type { GrepPlan } from './request.ts';

/** Where to search: in a folder, or one file of it. */
export interface Place {
  readonly folder: string;
  /** What is searched, relative to the folder: `./` or `./name`. */
  readonly argument: string;
  /** Turns a path below the folder into the one that is told. */
  readonly tell: (relative: string) => string;
  readonly isFile: boolean;
}

/** Searches with ripgrep; false when it is not installed. */
export async function searchWithRipgrep(plan: GrepPlan, place: Place, into: Collection): Promise<boolean> {
  const reader = new JsonReader(place, into);
  const args = [...searching(plan), ...choosing(plan), '--', place.argument];
  const end = await run(args, plan, place, (chunk) => reader.write(chunk));
  if (end === 'not installed') return false;
  // With a summary, only some files could not be read.
  if (end.status === 2 && !reader.isComplete) throw new PatternError(reasonIn(end.errors));
  // Its statistics leave out the files without a match: they take a run of their own, made when nothing was found.
  if (into.filesMatched === 0) into.filesSearched = await countFiles(plan, place);
  return true;
}

async function countFiles(plan: GrepPlan, place: Place): Promise<number> {
  let count = 0;
  await run(['--files', '--null', ...choosing(plan), '--', place.argument], plan, place, (chunk) => {
    for (let at = chunk.indexOf(0); at >= 0; at = chunk.indexOf(0, at + 1)) count++;
  });
  return count;
}

async function run(
  args: readonly string[],
  plan: GrepPlan,
  place: Place,
  take: (chunk: Buffer) => void,
): Promise<{ readonly status: number | null; readonly errors: string } | 'not installed'> {
  const child = spawn('rg', args, {
    cwd: place.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(plan.signal && { signal: plan.signal }),
  });
  const ended = endOf(child);
  try {
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(0, 2_000);
    });
    for await (const chunk of child.stdout) take(chunk);
    const { status, error } = await ended;
    if (error) throw error;
    return { status, errors };
  } catch (error) {
    const isMissing = isSystemError(error) && error.code === 'ENOENT' && error.syscall?.startsWith('spawn');
    if (isMissing) return 'not installed';
    throw error;
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  }
}

/** Which files. */
function choosing(plan: GrepPlan): string[] {
  return [
    '--no-config',
    '--no-ignore-global',
    '--no-messages',
    `--max-filesize=${plan.maxFileBytes}`,
    ...(plan.recursive ? [] : ['--max-depth=1']),
    ...plan.globs.map((glob) => `--glob=${glob}`),
    ...(plan.typeGlobs ?? []).map((glob) => `--type-add=asked:${glob}`),
    ...(plan.typeGlobs ? ['--type=asked'] : []),
  ];
}

/** What in them. */
function searching(plan: GrepPlan): string[] {
  return [
    '--json',
    '--no-mmap',
    plan.ignoreCase ? '--ignore-case' : '--case-sensitive',
    ...(plan.fixedStrings ? ['--fixed-strings'] : []),
    ...(plan.multiline ? ['--multiline', '--multiline-dotall'] : []),
    ...(plan.contextBefore > 0 ? [`--before-context=${plan.contextBefore}`] : []),
    ...(plan.contextAfter > 0 ? [`--after-context=${plan.contextAfter}`] : []),
    `--regexp=${plan.pattern}`,
  ];
}

interface End {
  readonly status: number | null;
  readonly error?: Error;
}

async function endOf(child: ChildProcess): Promise<End> {
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return { status };
  } catch (error) {
    return { status: null, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function reasonIn(errors: string): string {
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? 'ripgrep failed').replace(/^error: |^rg: /, '').slice(0, 200);
}

type Content = { readonly text: string } | { readonly bytes: string };

type Event =
  | { readonly type: 'begin'; readonly data: { readonly path: Content } }
  | {
      readonly type: 'match' | 'context';
      readonly data: { readonly lines: Content; readonly line_number: number };
    }
  | { readonly type: 'end'; readonly data: { readonly path: Content; readonly binary_offset: number | null } }
  | { readonly type: 'summary' };

/** Reads what `rg --json` prints: per file a begin, its matches and their context, and an end. */
class JsonReader {
  isComplete = false;
  readonly #place: Place;
  readonly #into: Collection;
  #rest: Buffer[] = [];
  #matches: Block[] = [];
  #lines = new Map<number, string>();

  constructor(place: Place, into: Collection) {
    this.#place = place;
    this.#into = into;
  }

  write(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const part = chunk.subarray(start, end);
      const line = this.#rest.length > 0 ? Buffer.concat([...this.#rest, part]) : part;
      this.#rest = [];
      this.#take(JSON.parse(line.toString('utf8')) as Event);
      start = end + 1;
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
  }

  #take(event: Event): void {
    if (event.type === 'match' || event.type === 'context') {
      const { lines, line_number } = event.data;
      const text = withoutBreak(textOf(lines));
      text.split('\n').forEach((line, i) => {
        this.#lines.set(line_number + i, line.endsWith('\r') ? line.slice(0, -1) : line);
      });
      if (event.type === 'match') this.#matches.push({ line: line_number, text });
    } else if (event.type === 'end') {
      const { path, binary_offset } = event.data;
      // What stands before the first NUL byte of a binary file says nothing about it.
      if (binary_offset === null && this.#matches.length > 0) this.#report(textOf(path));
      this.#matches = [];
      this.#lines = new Map();
    } else if (event.type === 'summary') {
      this.isComplete = true;
    }
  }

  #report(path: string): void {
    const lines = this.#lines;
    const file = this.#place.tell(path.replace(/^\.\//, ''));
    this.#into.add({ file, matches: this.#matches, lineAt: (line) => lines.get(line) });
  }
}

function textOf(content: Content): string {
  return 'text' in content ? content.text : Buffer.from(content.bytes, 'base64').toString('utf8');
}
