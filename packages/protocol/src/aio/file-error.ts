import * as z from 'zod/mini';
import type { ErrorCode } from '../errors.ts';

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
