import { constants } from 'node:os';
import { Fault, type FileErrorType, type FileOperationError, fileErrorCodes } from '@paddock/protocol';

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

interface FileFailure {
  readonly operation: string;
  readonly path: string;
  readonly type: FileErrorType;
  /** What happened, when it is more than the type says. */
  readonly detail?: string;
  readonly errno?: string;
}

/** A failure of a file operation, with the details that clients read. */
export function fileFault({ operation, path, type, detail, errno }: FileFailure): Fault {
  const message = `${path}: ${detail ?? words[type]}`;
  const data: FileOperationError = {
    path,
    operation,
    message,
    error_type: type,
    retryable: type === 'io_error',
    ...(errno && { errno: errnoNumber(errno), errno_name: errno }),
  };
  return new Fault(fileErrorCodes[type], message, { data });
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
    const detail =
      error.code === 'EISDIR'
        ? 'is a directory'
        : error.code === 'ENOTDIR'
          ? 'is not a directory'
          : undefined;
    throw fileFault({ operation, path, type, errno: error.code, ...(detail && { detail }) });
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

function errnoNumber(name: string): number | null {
  return Object.entries(constants.errno).find(([known]) => known === name)?.[1] ?? null;
}
