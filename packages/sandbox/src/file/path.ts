import { isAbsolute } from 'node:path';
import { fileFault } from './errors.ts';

/**
 * Refuses a path that no file can have. What it names is left as written: answers keep the caller's own prefix.
 *
 * @throws {Fault} `file_invalid_path`.
 */
export function checkPath(operation: string, path: string): void {
  const detail = path.includes('\0')
    ? 'invalid path: it holds a NUL byte'
    : isAbsolute(path)
      ? undefined
      : 'invalid path: it must be absolute';
  if (detail) {
    throw fileFault({
      operation,
      path: path.slice(0, 200).replaceAll('\0', '\\0'),
      type: 'invalid_path',
      detail,
    });
  }
}
