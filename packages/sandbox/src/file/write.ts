import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, lstat, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileFault, guarded } from './errors.ts';
import { checkPath } from './path.ts';

export type Encoding = 'utf-8' | 'base64' | 'raw';

/** The bytes of a request's content. Throws `file_decode_error` when it is not of that encoding. */
export function decodeContent(path: string, content: string, encoding: Encoding): Buffer {
  if (encoding === 'utf-8') return Buffer.from(content, 'utf-8');
  if (encoding === 'raw') {
    if (/[^\0-\xff]/.test(content)) throw badContent(path, 'the content has characters over one byte');
    return Buffer.from(content, 'latin1');
  }
  const compact = content.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.replaceAll('=', '').length % 4 === 1) {
    throw badContent(path, 'the content is not base64');
  }
  return Buffer.from(compact, 'base64');
}

function badContent(path: string, detail: string) {
  return fileFault({ operation: 'write', path, type: 'decode_error', detail });
}

/**
 * Writes a file so that readers see the old or the new content, never a part: a temporary file beside it, then a
 * rename. Mode, symbolic and hard links stay; folders that are missing are made. Appending adds to the file in place.
 *
 * @throws {Fault} a `file_…` code.
 */
export async function writeBytes(path: string, bytes: Buffer, options: { append: boolean }): Promise<void> {
  checkPath('write', path);
  await guarded('write', path, async () => {
    await mkdir(dirname(path), { recursive: true });
    const existing = await ifThere(stat(path));
    if (existing && !existing.isFile()) {
      const detail = existing.isDirectory() ? 'is a directory' : 'is not a regular file';
      throw fileFault({ operation: 'write', path, type: 'invalid_target', detail });
    }
    if (options.append) return writeInPlace(path, bytes, 'a');
    if (existing) return replace(path, bytes, existing);
    // A link whose target does not exist yet is written through, as a shell does.
    const isDanglingLink = await ifThere(lstat(path));
    return isDanglingLink ? writeInPlace(path, bytes, 'w') : swapIn(path, bytes, undefined);
  });
}

async function replace(path: string, bytes: Buffer, existing: Stats): Promise<void> {
  // A rename would replace a file that its mode protects.
  await access(path, constants.W_OK);
  const target = await realpath(path);
  const canSwap = existing.nlink === 1 && (await isWritableFolder(dirname(target)));
  return canSwap ? swapIn(target, bytes, existing.mode & 0o7777) : writeInPlace(target, bytes, 'w');
}

async function swapIn(target: string, bytes: Buffer, mode: number | undefined): Promise<void> {
  const temporary = join(dirname(target), `.${randomUUID()}.tmp`);
  try {
    await using handle = await open(temporary, 'wx');
    await handle.writeFile(bytes);
    if (mode !== undefined) await handle.chmod(mode);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeInPlace(path: string, bytes: Buffer, flags: 'a' | 'w'): Promise<void> {
  await using handle = await open(path, flags);
  await handle.writeFile(bytes);
}

async function isWritableFolder(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK).then(
    () => true,
    () => false,
  );
}

async function ifThere(stats: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await stats;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
