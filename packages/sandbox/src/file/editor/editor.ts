/** The editor tool of language models: its commands, and its messages, by which clients tell failures apart. */
import { stat } from 'node:fs/promises';
import { InvalidInput } from '@paddock/http';
import type { aio, ErrorCode, InputOf, ResponseOf } from '@paddock/protocol';
import { fileFault, guarded, isSystemError } from '../errors.ts';
import type { PathLocks } from '../locks.ts';
import { checkPath } from '../path.ts';
import { readText } from '../read.ts';
import { writeBytes } from '../write.ts';
import { History } from './history.ts';
import { linesOf, numbered, view } from './view.ts';

type Request = InputOf<typeof aio.file.edit>;
type Result = ResponseOf<typeof aio.file.edit>;

/** How much is shown around what was changed. */
const snippetLines = 4;

/** Larger contents are left out of the answer. */
const limitChars = 1024 * 1024;

/** Edits files, one edit of a file at a time, and remembers what they were. */
export class Editor {
  readonly #history = new History();
  readonly #locks: PathLocks;

  constructor(locks: PathLocks) {
    this.#locks = locks;
  }

  /**
   * Carries out a command.
   *
   * @throws {Fault} a `file_…` code.
   * @throws {InvalidInput} when the command lacks a parameter.
   */
  async run(request: Request): Promise<Result> {
    const { path, command } = request;
    checkPath(command, path);
    if (command === 'view') {
      return { output: await view(path, request.view_range ?? []), path, prev_exist: true };
    }
    return this.#locks.run(path, () => this.#change(request));
  }

  #change(request: Request): Promise<Result> {
    switch (request.command) {
      case 'create':
        return this.#create(request);
      case 'str_replace':
        return this.#replace(request);
      case 'insert':
        return this.#insert(request);
      default:
        return this.#undo(request);
    }
  }

  async #create({ path, file_text }: Request): Promise<Result> {
    const text = needed('file_text', file_text);
    if (await exists(path)) {
      const detail = 'already exists: `create` does not overwrite a file';
      throw fileFault({ operation: 'create', path, type: 'already_exists', detail });
    }
    await writeBytes(path, Buffer.from(text), { operation: 'create' });
    const output = `File created successfully at: ${path}`;
    return { output, path, prev_exist: false, old_content: null, new_content: ifShort(text) };
  }

  async #replace({ path, old_str, new_str, replace_mode }: Request): Promise<Result> {
    const from = needed('old_str', old_str);
    if (from === '') throw invalid('old_str', 'must not be empty');
    const to = new_str ?? '';
    const before = await readText(path, {}, 'str_replace');
    const places = placesOf(from, before);
    if (places.length === 0) {
      throw refusal(
        path,
        'file_text_not_found',
        'no replacement was performed: `old_str` did not appear verbatim',
      );
    }
    if (places.length > 1 && !replace_mode) {
      const lines = lineNumbers(before, places.slice(0, 20)).join(', ');
      // Clients look for the words of a text that is not there first: none of those may stand here.
      const message = `\`old_str\` is not unique: multiple occurrences, in lines ${lines}`;
      throw refusal(path, 'file_text_not_unique', message);
    }
    if (from === to) {
      throw refusal(
        path,
        'file_text_not_found',
        'no replacement was performed: `new_str` is the same as `old_str`',
      );
    }
    const chosen =
      replace_mode === 'LAST' ? places.slice(-1) : replace_mode === 'ALL' ? places : places.slice(0, 1);
    const after = replacedAt(before, chosen, from.length, to);
    return this.#write('str_replace', path, { before, after, at: chosen[0] ?? 0, length: to.length });
  }

  async #insert({ path, insert_line, new_str }: Request): Promise<Result> {
    const line = neededNumber('insert_line', insert_line);
    const text = needed('new_str', new_str);
    const before = await readText(path, {}, 'insert');
    const lineCount = before === '' ? 0 : linesOf(before).length;
    if (line > lineCount) throw invalid('insert_line', `must be from 0 to ${lineCount}`);
    const at = offsetOfLine(before, line);
    const head = before.slice(0, at);
    const tail = before.slice(at);
    const glue = head === '' || head.endsWith('\n') ? '' : '\n';
    const end = text.endsWith('\n') || (tail === '' && !before.endsWith('\n')) ? '' : '\n';
    const after = head + glue + text + end + tail;
    return this.#write('insert', path, { before, after, at: at + glue.length, length: text.length });
  }

  async #undo({ path }: Request): Promise<Result> {
    const content = this.#history.last(path);
    if (content === undefined) throw refusal(path, 'file_no_history', 'there is no edit of the file to undo');
    const before = (await exists(path)) ? await readText(path, {}, 'undo_edit') : null;
    await writeBytes(path, Buffer.from(content), { operation: 'undo_edit' });
    this.#history.pop(path);
    return {
      output: `Last edit to ${path} undone successfully.\n${numbered(linesOf(content).slice(0, 100), 1)}`,
      path,
      prev_exist: before !== null,
      old_content: before === null ? null : ifShort(before),
      new_content: ifShort(content),
    };
  }

  async #write(
    operation: string,
    path: string,
    edit: { before: string; after: string; at: number; length: number },
  ): Promise<Result> {
    const { before, after } = edit;
    await writeBytes(path, Buffer.from(after), { operation });
    this.#history.push(path, before);
    const output =
      `The file ${path} has been edited. Here's the result of running \`cat -n\` on a snippet of ${path}:\n` +
      `${snippet(after, edit.at, edit.length)}Review the changes and make sure they are as expected.`;
    return {
      output,
      path,
      prev_exist: true,
      old_content: ifShort(before),
      new_content: ifShort(after),
    };
  }
}

function needed(name: 'file_text' | 'old_str' | 'new_str', value: string | null | undefined): string {
  if (typeof value !== 'string') throw invalid(name, 'is required for this command');
  return value;
}

function neededNumber(name: 'insert_line', value: number | null | undefined): number {
  if (typeof value !== 'number') throw invalid(name, 'is required for this command');
  return value;
}

function invalid(name: string, why: string): InvalidInput {
  return new InvalidInput([{ loc: ['body', name], msg: `\`${name}\` ${why}`, type: 'value_error' }]);
}

/** The path is left out: a client that looks for words in the message must not find them in a file's name. */
function refusal(path: string, code: ErrorCode, message: string) {
  return fileFault({ operation: 'str_replace_editor', path, type: 'invalid_target', code, message });
}

async function exists(path: string): Promise<boolean> {
  return guarded('str_replace_editor', path, async () => {
    try {
      await stat(path);
      return true;
    } catch (error) {
      if (isSystemError(error) && error.code === 'ENOENT') return false;
      throw error;
    }
  });
}

function placesOf(text: string, content: string): number[] {
  const places: number[] = [];
  for (let at = content.indexOf(text); at >= 0; at = content.indexOf(text, at + text.length)) places.push(at);
  return places;
}

function lineNumbers(content: string, places: readonly number[]): number[] {
  let line = 1;
  let counted = 0;
  const numbers = places.map((at) => {
    for (let i = content.indexOf('\n', counted); i >= 0 && i < at; i = content.indexOf('\n', i + 1)) line++;
    counted = at;
    return line;
  });
  return [...new Set(numbers)];
}

function replacedAt(content: string, places: readonly number[], length: number, text: string): string {
  let result = '';
  let done = 0;
  for (const at of places) {
    result += content.slice(done, at) + text;
    done = at + length;
  }
  return result + content.slice(done);
}

function offsetOfLine(content: string, line: number): number {
  let offset = 0;
  for (let i = 0; i < line; i++) {
    const next = content.indexOf('\n', offset);
    if (next < 0) return content.length;
    offset = next + 1;
  }
  return offset;
}

function snippet(content: string, at: number, length: number): string {
  const lines = linesOf(content);
  const first = content.slice(0, at).split('\n').length;
  const last = first + content.slice(at, at + length).split('\n').length - 1;
  const from = Math.max(1, first - snippetLines);
  return numbered(lines.slice(from - 1, last + snippetLines), from);
}

function ifShort(content: string): string | null {
  return content.length > limitChars ? null : content;
}
