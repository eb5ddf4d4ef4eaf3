import type { Stats } from 'node:fs';
import { constants } from 'node:os';
import {
  type ErrorCode,
  Fault,
  type FileErrorType,
  type FileOperationError,
  fileErrorCodes,
} from '@paddock/protocol';

const typesByErrno: Readonly<Record<string, FileErrorType>> = {
  ENOENT: 'not_found',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ENOTDIR: 'invalid_target',
  EISDIR: 'invalid_target',
  ENXIO: 'invalid_target',
  ENODEV: 'invalid_target',
  ETXTBSY: 'invalid_target',
  EINVAL: 'invalid_path',
  ENAMETOOLONG: 'invalid_path',
  ELOOP: 'invalid_path',
  EEXIST: 'already_exists',
  ENOTEMPTY: 'already_exists',
  EROFS: 'read_only_filesystem',
  ENOSPC: 'no_space_left',
  EDQUOT: 'no_space_left',
  EFBIG: 'no_space_left',
};

const words: Readonly<Record<FileErrorType, string>> = {
  not_found: 'does not exist',
  permission_denied: 'permission denied',
  invalid_target: 'is not of the right kind',
  already_exists: 'already exists',
  invalid_path: 'invalid path',
  read_only_filesystem: 'the file system is read-only',
  no_space_left: 'no space left',
  decode_error: 'cannot be decoded',
  io_error: 'the file system failed',
};

const wordsByErrno: Readonly<Record<string, string>> = {
  EISDIR: 'is a directory',
  ENOTDIR: 'is not a directory',
  ELOOP: 'invalid path: too many symbolic links',
  ENAMETOOLONG: 'invalid path: too long',
};

interface FileFailure {
  readonly operation: string;
  readonly path: string;
  readonly type: FileErrorType;
  /** What happened, when it is more than the type says. */
  readonly detail?: string | undefined;
  readonly errno?: string | undefined;
  /** The code, where the catalogue has one that says more than the type. */
  readonly code?: ErrorCode | undefined;
  /** The whole message, where the path must not stand in it. */
  readonly message?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure of a file operation, with the details that clients read. */
export function fileFault(failure: FileFailure): Fault {
  const { operation, type, detail, errno, code = fileErrorCodes[type], headers = {} } = failure;
  const path = shown(failure.path);
  const message = failure.message ?? `${path}: ${detail ?? words[type]}`;
  const data: FileOperationError = {
    path,
    operation,
    message,
    error_type: type,
    retryable: type === 'io_error',
    ...(errno && { errno: errnoNumber(errno), errno_name: errno }),
  };
  return new Fault(code, message, { data, headers });
}

/** True for the failures that the published API answers with 200. */
export function isFileFault(fault: Fault): boolean {
  return fault.code.startsWith('file_');
}

/** Runs a file operation; a failure of the system becomes the Fault that fits it. */
export async function guarded<Result>(
  operation: string,
  path: string,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const type = typesByErrno[error.code] ?? 'io_error';
    throw fileFault({ operation, path, type, errno: error.code, detail: wordsByErrno[error.code] });
  }
}

/** @throws {Fault} `file_invalid_target` for what is no regular file. */
export function assertFile(operation: string, path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const isFolder = stats.isDirectory();
  const detail = isFolder ? 'is a directory' : 'is not a regular file';
  throw fileFault({
    operation,
    path,
    type: 'invalid_target',
    detail,
    errno: isFolder ? 'EISDIR' : undefined,
  });
}

/** A pattern that cannot be used. */
export function badPattern(operation: string, path: string, why: string): Fault {
  const message = `invalid pattern: ${why}`;
  return fileFault({ operation, path, type: 'invalid_target', code: 'file_invalid_pattern', message });
}

/** True for what a call to the system failed with. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** Answers stay short and printable whatever was sent. */
function shown(path: string): string {
  const short = path.length > 200 ? `${path.slice(0, 200)}…` : path;
  return short.replaceAll('\0', '\\0').toWellFormed();
}

function errnoNumber(name: string): number | null {
  return Object.entries(constants.errno).find(([known]) => known === name)?.[1] ?? null;
}
