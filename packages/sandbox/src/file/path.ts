import { isAbsolute } from 'node:path';
import { fileFault } from './errors.ts';

/**
 * Refuses a path that no file can have. What it names is left as written: answers keep the caller's own prefix.
 *
 * @throws {Fault} `file_invalid_path`.
 */
export function checkPath(operation: string, path: string): void {
  const fault = faultOf(path);
  if (fault) throw fileFault({ operation, path, type: 'invalid_path', detail: `invalid path: ${fault}` });
}

function faultOf(path: string): string | undefined {
  if (path.includes('\0')) return 'it holds a NUL byte';
  // It would be written as U+FFFD: another name than the one that was asked for.
  if (!path.isWellFormed()) return 'it is not valid Unicode';
  return isAbsolute(path) ? undefined : 'it must be absolute';
}

/** A folder's path as the beginning of the paths in it. */
export function prefixOf(folder: string): string {
  return folder.endsWith('/') ? folder : `${folder}/`;
}
