import type { BigIntStats } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { basename } from 'node:path';
import type { BytesAnswer } from '@paddock/http';
import { fileFault, guarded, isSystemError } from './errors.ts';
import { openFile } from './open.ts';
import { checkPath } from './path.ts';
import { type ByteRange, parseRange } from './range.ts';

/** Two of these are held while a file is sent: one is read while the other is on its way. */
const chunkBytes = 256 * 1024;

/** Up to here an answer is read before its status is sent, so that a change can still become a 409. */
const wholeBytes = 1024 * 1024;

interface DownloadRequest {
  readonly path: string;
  /** Fail when the file changes meanwhile. */
  readonly abortOnChange: boolean;
  readonly headers: IncomingHttpHeaders;
}

/**
 * A file's content, or the range of it that the headers ask for.
 *
 * @throws {Fault} a `file_…` code; from its chunks too, once the file changed or ends before its time.
 */
export async function download({ path, abortOnChange, headers }: DownloadRequest): Promise<BytesAnswer> {
  checkPath('download', path);
  return guarded('download', path, async () => {
    const { handle } = await openFile('download', path);
    try {
      const stats = await handle.stat({ bigint: true });
      const size = Number(stats.size);
      const etag = etagOf(stats);
      const fixed = { etag, 'last-modified': stats.mtime.toUTCString(), 'accept-ranges': 'bytes' };
      if (isFresh(headers, etag, stats)) return notModified(handle, fixed);
      const range = parseRange(rangeHeader(headers, etag, stats), size);
      if (range === 'unsatisfiable') throw unsatisfiable(path, size);
      const { first, last } = range ?? { first: 0, last: size - 1 };
      const assertSame = async () => {
        if (abortOnChange && (await hasChanged(handle, path, stats))) throw changed(path);
      };
      const length = last - first + 1;
      const chunks =
        abortOnChange && length <= wholeBytes
          ? await readNow(handle, { first, last }, path)
          : () => readChunks(handle, { first, last }, path, assertSame);
      await assertSame();
      return {
        kind: 'bytes',
        status: range ? 206 : 200,
        headers: {
          ...fixed,
          'content-type': 'application/octet-stream',
          'content-length': length,
          'content-disposition': dispositionOf(basename(path)),
          ...(range && { 'content-range': `bytes ${first}-${last}/${size}` }),
        },
        chunks,
        [Symbol.asyncDispose]: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  });
}

function etagOf({ mtimeNs, size, ino }: BigIntStats): string {
  return `"${[mtimeNs, size, ino].map((part) => part.toString(36)).join('-')}"`;
}

/** What the client has is still the file (RFC 9110, 13.1.2 and 13.1.3). */
function isFresh(headers: IncomingHttpHeaders, etag: string, { mtimeMs }: BigIntStats): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined)
    return known === '*' || known.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Number(mtimeMs) < since + 1_000;
}

/** The Range header, unless it was for another version of the file (RFC 9110, 13.1.5). */
function rangeHeader(headers: IncomingHttpHeaders, etag: string, { mtime }: BigIntStats): string | undefined {
  const version = headers['if-range'];
  const isSame = version === undefined || version === etag || version === mtime.toUTCString();
  return isSame ? headers.range : undefined;
}

function notModified(handle: FileHandle, headers: BytesAnswer['headers']): BytesAnswer {
  return {
    kind: 'bytes',
    status: 304,
    headers,
    async *chunks() {},
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** True when the file was written to, or another one has taken its place. */
async function hasChanged(handle: FileHandle, path: string, before: BigIntStats): Promise<boolean> {
  const [open, named] = await Promise.all([
    handle.stat({ bigint: true }),
    stat(path, { bigint: true }).catch((error: unknown) => {
      if (isSystemError(error)) return undefined;
      throw error;
    }),
  ]);
  return [open, named].some(
    (now) =>
      now?.ino !== before.ino ||
      now.dev !== before.dev ||
      now.size !== before.size ||
      now.mtimeNs !== before.mtimeNs ||
      (now === open && now.ctimeNs !== before.ctimeNs),
  );
}

async function readNow(
  handle: FileHandle,
  range: ByteRange,
  path: string,
): Promise<() => AsyncIterable<Uint8Array>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readChunks(handle, range, path, async () => {})) chunks.push(Buffer.from(chunk));
  return async function* () {
    yield* chunks;
  };
}

/** Reads ahead by one chunk, into two buffers that take turns. Before the last chunk, `assertSame` has its say. */
async function* readChunks(
  handle: FileHandle,
  { first, last }: ByteRange,
  path: string,
  assertSame: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const length = last - first + 1;
  if (length <= 0) return;
  const size = Math.min(chunkBytes, length);
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const;
  const readAt = (position: number, turn: number) =>
    readFully(handle, buffers[turn % 2 === 0 ? 0 : 1], position, Math.min(size, last + 1 - position), path);
  let next = readAt(first, 0);
  try {
    for (let position = first, turn = 0; position <= last; turn++) {
      const chunk = await next;
      position += chunk.length;
      if (position <= last) next = readAt(position, turn + 1);
      else await assertSame();
      yield chunk;
    }
  } finally {
    // The file is closed next: what still reads from it must have ended.
    await next.catch(() => {});
  }
}

async function readFully(
  handle: FileHandle,
  buffer: Buffer,
  position: number,
  length: number,
  path: string,
): Promise<Buffer> {
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    // The length has been promised: there is no way to say that the file became shorter but to break off.
    if (bytesRead === 0) throw changed(path);
    filled += bytesRead;
  }
  return buffer.subarray(0, length);
}

function changed(path: string) {
  const detail = 'changed while it was read';
  return fileFault({ operation: 'download', path, type: 'io_error', code: 'file_changed', detail });
}

function unsatisfiable(path: string, size: number) {
  const headers = { 'content-range': `bytes */${size}` };
  const detail = `the range is outside of its ${size} bytes`;
  return fileFault({
    operation: 'download',
    path,
    type: 'invalid_target',
    code: 'file_invalid_range',
    detail,
    headers,
  });
}

/** The name for browsers: plain where it can be, and as RFC 8187 has it. */
function dispositionOf(name: string): string {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
  return plain === name
    ? `attachment; filename="${plain}"`
    : `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
