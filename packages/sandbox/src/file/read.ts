import type { FileHandle } from 'node:fs/promises';
import { fileFault, guarded } from './errors.ts';
import { openFile } from './open.ts';
import { checkPath } from './path.ts';

/** Larger files are downloaded, not read into a JSON string. */
const limitBytes = 64 * 1024 * 1024;

interface LineRange {
  readonly startLine?: number | undefined;
  readonly endLine?: number | undefined;
}

/**
 * The text of a file, or of its lines from `startLine` (from 0) to before `endLine`. A range does not end with a line
 * break: lines are what is asked for, joined by breaks.
 *
 * @throws {Fault} a `file_…` code.
 */
export async function readText(path: string, range: LineRange = {}, operation = 'read'): Promise<string> {
  checkPath(operation, path);
  const bytes = await guarded(operation, path, () => readWhole(path, operation));
  const text = decode(bytes, path, operation);
  return range.startLine === undefined && range.endLine === undefined ? text : sliceLines(text, range);
}

async function readWhole(path: string, operation: string): Promise<Buffer> {
  const { handle, stats } = await openFile(operation, path);
  try {
    if (stats.size > limitBytes) throw tooLarge(path, operation);
    return await readToEnd(handle, stats.size, () => tooLarge(path, operation));
  } finally {
    await handle.close();
  }
}

/** Files of /proc say that they are empty, and some files grow: the size is only where to begin. */
async function readToEnd(handle: FileHandle, sizeBytes: number, tooLargeFault: () => Error): Promise<Buffer> {
  let buffer = Buffer.allocUnsafeSlow(sizeBytes > 0 ? sizeBytes + 1 : 64 * 1024);
  for (let length = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === sizeBytes) return buffer.subarray(0, length);
    if (length > limitBytes) throw tooLargeFault();
    if (length === buffer.length) buffer = Buffer.concat([buffer], length * 2);
  }
}

function tooLarge(path: string, operation: string) {
  const detail = `is larger than ${limitBytes} bytes: download it instead`;
  return fileFault({ operation, path, type: 'invalid_target', detail });
}

function decode(bytes: Buffer, path: string, operation: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const detail = 'is not UTF-8 text: download it instead';
    throw fileFault({ operation, path, type: 'decode_error', detail });
  }
}

function sliceLines(text: string, range: LineRange): string {
  const start = lineOffset(text, range.startLine ?? 0);
  const end = range.endLine === undefined ? text.length : lineOffset(text, range.endLine);
  const lines = text.slice(start, Math.max(start, end));
  return lines.endsWith('\n') ? lines.slice(0, -1) : lines;
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
