import * as z from 'zod/mini';
import type { ErrorCode } from '../errors.ts';
import { count, field, maybe } from '../fields.ts';
import { operation } from '../operation.ts';

/** Details of a failed file operation, `data` of its answer. */
const fileOperationError = z.object({
  path: z.string(),
  operation: z.string(),
  message: z.string(),
  error_type: z.string(),
  retryable: z.boolean(),
  errno: z.nullish(z.int()),
  errno_name: z.nullish(z.string()),
});
export type FileOperationError = z.output<typeof fileOperationError>;

/** The kinds of file failure that clients know, each with its code of the catalogue. */
export const fileErrorCodes = {
  not_found: 'file_not_found',
  permission_denied: 'file_permission_denied',
  invalid_target: 'file_invalid_target',
  already_exists: 'file_already_exists',
  invalid_path: 'file_invalid_path',
  read_only_filesystem: 'file_read_only',
  no_space_left: 'file_no_space',
  decode_error: 'file_decode_error',
  io_error: 'file_io_error',
} as const satisfies Record<string, ErrorCode>;
export type FileErrorType = keyof typeof fileErrorCodes;

const always = [
  'file_not_found',
  'file_permission_denied',
  'file_invalid_path',
  'file_invalid_target',
  'file_io_error',
] as const;
const path = (description: string) => field(z.string(), description);

const entry = z.object({
  name: z.string(),
  path: z.string(),
  is_directory: z.boolean(),
  size: maybe(z.int(), 'In bytes.'),
  modified_time: maybe(z.string(), 'ISO 8601.'),
  permissions: maybe(z.string(), 'Octal, such as 644.'),
  extension: maybe(z.string(), 'With its dot, such as .py.'),
});
export type FileEntry = z.output<typeof entry>;

export const file = {
  read: operation({
    method: 'POST',
    path: '/v1/file/read',
    summary: 'Read a text file, whole or a range of its lines.',
    request: z.object({
      file: path('The file, absolute.'),
      start_line: maybe(count(), 'The first line to give, from 0.'),
      end_line: maybe(count(), 'The line to stop before.'),
      sudo: maybe(z.boolean(), 'Accepted and ignored: a sandbox has no other user.'),
    }),
    response: z.object({ content: z.string(), file: z.string() }),
    errors: [...always, 'file_decode_error'],
  }),
  write: operation({
    method: 'POST',
    path: '/v1/file/write',
    summary: 'Write a file, making the folders that it needs.',
    request: z.object({
      file: path('The file, absolute.'),
      content: field(z.string(), 'What to write: text, or base64 by `encoding`.'),
      encoding: maybe(
        z.enum(['utf-8', 'base64', 'raw']),
        'How `content` is encoded: raw is one byte a character.',
      ),
      append: maybe(z.boolean(), 'Add to the end instead of replacing.'),
      leading_newline: maybe(z.boolean(), 'Put a line break before the content.'),
      trailing_newline: maybe(z.boolean(), 'Put a line break after the content.'),
      sudo: maybe(z.boolean(), 'Accepted and ignored: a sandbox has no other user.'),
    }),
    response: z.object({ file: z.string(), bytes_written: z.int() }),
    errors: [...always, 'file_read_only', 'file_no_space', 'file_decode_error'],
  }),
  list: operation({
    method: 'POST',
    path: '/v1/file/list',
    summary: 'List a folder, or everything below it.',
    request: z.object({
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
    response: z.object({
      path: z.string(),
      files: z.array(entry),
      total_count: z.int(),
      directory_count: z.int(),
      file_count: z.int(),
    }),
    errors: always,
  }),
};
