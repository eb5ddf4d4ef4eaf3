import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileFault, guarded } from './errors.ts';
import { checkPath } from './path.ts';

/** Larger files are downloaded, not read into a JSON string. */
const limitBytes = 64 * 1024 * 1024;

/**
 * The text of a file, or of its lines from `startLine` (from 0) to before `endLine`.
 *
 * @throws {Fault} a `file_…` code.
 */
export async function readText(
  path: string,
  range: { startLine?: number | undefined; endLine?: number | undefined },
): Promise<string> {
  checkPath('read', path);
  return guarded('read', path, async () => {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = await readRegular(handle, path);
    const text = decode(bytes, path);
    return range.startLine === undefined && range.endLine === undefined ? text : sliceLines(text, range);
  });
}

async function readRegular(handle: FileHandle, path: string): Promise<Buffer> {
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    throw fileFault({
      operation: 'read',
      path,
      type: 'invalid_target',
      detail: 'is a directory',
      errno: 'EISDIR',
    });
  }
  if (!stats.isFile()) {
    throw fileFault({ operation: 'read', path, type: 'invalid_target', detail: 'is not a regular file' });
  }
  if (stats.size > limitBytes) {
    const detail = `is larger than ${limitBytes} bytes: download it instead`;
    throw fileFault({ operation: 'read', path, type: 'invalid_target', detail });
  }
  return handle.readFile();
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fileFault({
      operation: 'read',
      path,
      type: 'decode_error',
      detail: 'is not UTF-8 text: download it instead',
    });
  }
}

/** Lines keep their ends, so that ranges put together give the file again. */
function sliceLines(
  text: string,
  range: { startLine?: number | undefined; endLine?: number | undefined },
): string {
  const start = lineOffset(text, range.startLine ?? 0);
  const end = range.endLine === undefined ? text.length : lineOffset(text, range.endLine);
  return text.slice(start, Math.max(start, end));
}

function lineOffset(text: string, line: number): number {
  let offset = 0;
  for (let i = 0; i < line; i++) {
    const next = text.indexOf('\n', offset);
    if (next < 0) return text.length;
    offset = next + 1;
  }
  return offset;
}
