import * as z from 'zod/mini';
import { count, field, maybe } from '../fields.ts';
import { downloadOperation, formOperation, operation } from '../operation.ts';

const always = [
  'file_not_found',
  'file_permission_denied',
  'file_invalid_path',
  'file_invalid_target',
  'file_io_error',
] as const;
const path = (description: string) => field(z.string(), description);

const changing = [...always, 'file_read_only', 'file_no_space'] as const;
const sudo = () => maybe(z.boolean(), 'Accepted and ignored: a sandbox has no other user.');
const fsync = () => maybe(z.boolean(), 'Answer only once the content is safe on disk.');

const entry = () =>
  z.object({
    name: z.string(),
    path: z.string(),
    is_directory: z.boolean(),
    size: maybe(z.int(), 'In bytes.'),
    modified_time: maybe(z.string(), 'ISO 8601.'),
    permissions: maybe(z.string(), 'Octal, such as 644.'),
    extension: maybe(z.string(), 'With its dot, such as .py.'),
  });
export type FileEntry = z.output<ReturnType<typeof entry>>;

const globbed = () =>
  z.pick(entry(), { path: true, name: true, is_directory: true, size: true, modified_time: true });
export type GlobbedFile = z.output<ReturnType<typeof globbed>>;

const match = () =>
  z.object({
    file: z.string(),
    line_number: field(z.int(), 'From 1.'),
    line_content: field(z.string(), 'The line, or the lines of a match that spans several.'),
    context_before: maybe(z.array(z.string()), 'Lines before it.'),
    context_after: maybe(z.array(z.string()), 'Lines after it.'),
  });
export type GrepMatch = z.output<ReturnType<typeof match>>;

export const file = {
  read: operation({
    method: 'POST',
    path: '/v1/file/read',
    summary: 'Read a text file, whole or a range of its lines.',
    request: () =>
      z.object({
        file: path('The file, absolute.'),
        start_line: maybe(count(), 'The first line to give, from 0.'),
        end_line: maybe(count(), 'The line to stop before.'),
        sudo: sudo(),
      }),
    response: () => z.object({ content: z.string(), file: z.string() }),
    errors: [...always, 'file_decode_error'],
  }),
  write: operation({
    method: 'POST',
    path: '/v1/file/write',
    summary: 'Write a file, making the folders that it needs.',
    request: () =>
      z.object({
        file: path('The file, absolute.'),
        content: field(z.string(), 'What to write: text, or base64 by `encoding`.'),
        encoding: maybe(
          z.enum(['utf-8', 'base64', 'raw']),
          'How `content` is encoded: raw is one byte a character.',
        ),
        append: maybe(z.boolean(), 'Add to the end instead of replacing.'),
        leading_newline: maybe(z.boolean(), 'Put a line break before the content.'),
        trailing_newline: maybe(z.boolean(), 'Put a line break after the content.'),
        fsync: fsync(),
        sudo: sudo(),
      }),
    response: () => z.object({ file: z.string(), bytes_written: z.int() }),
    errors: [...changing, 'file_decode_error'],
  }),
  list: operation({
    method: 'POST',
    path: '/v1/file/list',
    summary: 'List a folder, or everything below it.',
    request: () =>
      z.object({
        path: path('The folder, absolute.'),
        recursive: maybe(z.boolean(), 'Go into folders.'),
        show_hidden: maybe(z.boolean(), 'Include names that begin with a dot. On unless false.'),
        file_types: maybe(z.array(z.string()), "Only files with these extensions, such as ['.py']."),
        max_depth: maybe(count(), 'How deep to go: 1 is the folder itself.'),
        include_size: maybe(z.boolean(), 'Give sizes. On unless false.'),
        include_permissions: maybe(z.boolean(), 'Give permissions.'),
        sort_by: maybe(z.enum(['name', 'size', 'modified', 'type']), 'The order: `name` when absent.'),
        sort_desc: maybe(z.boolean(), 'Turn the order round.'),
      }),
    response: () =>
      z.object({
        path: z.string(),
        files: z.array(entry()),
        total_count: z.int(),
        directory_count: z.int(),
        file_count: z.int(),
      }),
    errors: always,
  }),
  replace: operation({
    method: 'POST',
    path: '/v1/file/replace',
    summary: 'Replace every occurrence of a text in a file.',
    request: () =>
      z.object({
        file: path('The file, absolute.'),
        old_str: field(z.string().check(z.minLength(1)), 'The text to replace.'),
        new_str: field(z.string(), 'What to put in its place.'),
        sudo: sudo(),
      }),
    response: () =>
      z.object({
        file: z.string(),
        replaced_count: field(z.int(), 'How often it was replaced: 0 when the text is not there.'),
      }),
    errors: [...changing, 'file_decode_error'],
  }),
  search: operation({
    method: 'POST',
    path: '/v1/file/search',
    summary: 'Find the lines of one file that match a regular expression.',
    request: () =>
      z.object({
        file: path('The file, absolute.'),
        regex: field(z.string(), 'A regular expression, looked for in each line.'),
        sudo: sudo(),
      }),
    response: () =>
      z.object({
        file: z.string(),
        matches: field(z.array(z.string()), 'The lines that match.'),
        line_numbers: field(z.array(z.int()), 'Their numbers, from 0 as for read.'),
      }),
    errors: [...always, 'file_decode_error', 'file_invalid_pattern'],
  }),
  find: operation({
    method: 'POST',
    path: '/v1/file/find',
    summary: 'Find files and folders by a glob pattern.',
    request: () =>
      z.object({
        path: path('The folder, absolute.'),
        glob: field(
          z.string(),
          'Relative to the folder: a plain name is looked for there only, `**/` goes deeper.',
        ),
      }),
    response: () => z.object({ path: z.string(), files: field(z.array(z.string()), 'Paths, in order.') }),
    errors: [...always, 'file_invalid_pattern'],
  }),
  grep: operation({
    method: 'POST',
    path: '/v1/file/grep',
    summary: 'Search the content of many files, by the rules of ripgrep.',
    request: () =>
      z.object({
        path: path('The folder or file, absolute.'),
        pattern: field(z.string(), 'A regular expression in the syntax of ripgrep.'),
        include: maybe(z.array(z.string()), "Only files that match one of these globs, such as ['*.py']."),
        exclude: maybe(
          z.array(z.string()),
          "No files or folders that match one of these globs, such as ['dist'].",
        ),
        case_insensitive: maybe(z.boolean(), 'Ignore case.'),
        fixed_strings: maybe(z.boolean(), 'Take the pattern as plain text.'),
        context_before: maybe(count(), 'How many lines before each match to give.'),
        context_after: maybe(count(), 'How many lines after each match to give.'),
        max_results: maybe(count(), 'How many matches to give: 500 when absent.'),
        max_file_size: maybe(z.string(), 'Skip larger files: bytes, or with K, M or G. 1M when absent.'),
        multiline: maybe(z.boolean(), 'Let matches span lines, and a dot match a line break.'),
        offset: maybe(count(), 'How many matches to skip.'),
        type: maybe(z.string(), 'Only files of this type of ripgrep, such as py.'),
        recursive: maybe(z.boolean(), 'Go into folders. On unless false.'),
      }),
    response: () =>
      z.object({
        path: z.string(),
        pattern: z.string(),
        matches: z.array(match()),
        match_count: field(z.int(), 'How many there are in all.'),
        files_searched: maybe(
          z.int(),
          'Files that were looked at, where none has a match: ripgrep does not count them otherwise.',
        ),
        files_matched: maybe(z.int(), 'Files with a match.'),
        truncated: field(z.boolean(), 'There are more behind those given.'),
      }),
    errors: [...always, 'file_invalid_pattern'],
  }),
  glob: operation({
    method: 'POST',
    path: '/v1/file/glob',
    summary: 'Find files by a glob pattern, with sizes and times.',
    request: () =>
      z.object({
        path: path('The folder, absolute.'),
        pattern: field(z.string(), 'Relative to the folder, such as **/*.ts.'),
        exclude: maybe(z.array(z.string()), 'Leave out what matches: by name at any depth, or by path.'),
        include_hidden: maybe(z.boolean(), 'Let wildcards match names that begin with a dot.'),
        files_only: maybe(z.boolean(), 'Leave folders out. On unless false.'),
        include_metadata: maybe(z.boolean(), 'Give sizes and times. On unless false.'),
        max_results: maybe(count(), 'How many to give: 5000 when absent.'),
        sort_by: maybe(z.enum(['path', 'name', 'size', 'modified']), 'The order: `path` when absent.'),
        sort_desc: maybe(z.boolean(), 'Turn the order round.'),
      }),
    response: () =>
      z.object({
        path: z.string(),
        pattern: z.string(),
        files: z.array(globbed()),
        total_count: field(z.int(), 'How many match in all.'),
        truncated: field(z.boolean(), 'There are more than those given.'),
      }),
    errors: [...always, 'file_invalid_pattern'],
  }),
  edit: operation({
    method: 'POST',
    path: '/v1/file/str_replace_editor',
    summary: 'View, create and edit text files, as the editor tool of language models does.',
    request: () =>
      z.object({
        command: z.enum(['view', 'create', 'str_replace', 'insert', 'undo_edit']),
        path: path('The file or, to view, a folder. Absolute.'),
        file_text: maybe(z.string(), 'create: the content.'),
        old_str: maybe(
          z.string(),
          'str_replace: the text to replace. It must occur once unless replace_mode is given.',
        ),
        new_str: maybe(
          z.string(),
          'str_replace: what to put in its place, nothing when absent. insert: the lines.',
        ),
        insert_line: maybe(count(), 'insert: the line after which, 0 for the beginning.'),
        view_range: maybe(z.array(z.int()), 'view: the first and the last line, from 1; -1 is the end.'),
        replace_mode: maybe(z.enum(['ALL', 'FIRST', 'LAST']), 'str_replace: which of several occurrences.'),
      }),
    response: () =>
      z.object({
        output: field(z.string(), 'The result for a model to read.'),
        path: z.string(),
        prev_exist: field(z.boolean(), 'The file existed before.'),
        old_content: maybe(z.string(), 'The content before, unless it is larger than 1 MiB.'),
        new_content: maybe(z.string(), 'The content after, unless it is larger than 1 MiB.'),
      }),
    errors: [
      ...changing,
      'file_decode_error',
      'file_already_exists',
      'file_text_not_found',
      'file_text_not_unique',
      'file_no_history',
    ],
  }),
  upload: formOperation({
    method: 'POST',
    path: '/v1/file/upload',
    summary: 'Upload a file of any size: it appears at its path when it is complete.',
    request: () =>
      z.object({
        file: field(
          z.custom<Blob>((value) => value instanceof Blob),
          'The content.',
        ),
        path: maybe(z.string(), 'Where to put it, absolute. When absent: its own name, in the workspace.'),
        fsync: fsync(),
      }),
    response: () =>
      z.object({
        file_path: z.string(),
        file_size: field(z.int(), 'In bytes.'),
        success: z.boolean(),
      }),
    errors: changing,
  }),
  download: downloadOperation({
    method: 'GET',
    path: '/v1/file/download',
    summary: 'Download a file, whole or a range of its bytes.',
    request: () =>
      z.object({
        path: path('The file, absolute.'),
        change_policy: maybe(
          z.enum(['ignore', 'abort']),
          'abort: fail with 409, or end the connection once bytes were sent, when the file changes meanwhile.',
        ),
      }),
    errors: [...always, 'file_changed', 'file_invalid_range'],
  }),
};
