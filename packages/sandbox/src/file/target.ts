import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, type FileHandle, lstat, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assertFile, isSystemError } from './errors.ts';
import { prefixOf } from './path.ts';

/**
 * A file that is being written. It appears at its path, whole, when it is committed; disposed of before, it leaves no
 * trace, unless it has to be written in place: appending, through a dangling link, to one of several hard links, to a
 * file of another user, or in a folder where no file can be made.
 */
export interface Target extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>;
  commit(options: { fsync: boolean }): Promise<void>;
}

/** Opens a target, making the folders that it needs. Throws what the system or `assertFile` does. */
export async function openTarget(
  operation: string,
  path: string,
  { append = false }: { append?: boolean } = {},
): Promise<Target> {
  const plan = await planFor(operation, path);
  if (append || plan.inPlace) return openInPlace(plan.target, append);
  try {
    return await Swap.open(plan.target, plan.mode);
  } catch (error) {
    const isClosedFolder = isSystemError(error) && (error.code === 'EACCES' || error.code === 'EPERM');
    if (isClosedFolder && plan.mode !== undefined) return openInPlace(plan.target, false);
    throw error;
  }
}

interface Plan {
  readonly target: string;
  readonly inPlace: boolean;
  /** Of the file that is there. */
  readonly mode: number | undefined;
}

async function planFor(operation: string, path: string): Promise<Plan> {
  const found = await ifThere(lstat(path));
  if (!found) return { target: path, inPlace: false, mode: undefined };
  if (!found.isSymbolicLink()) return planToReplace(operation, path, path, found);
  const existing = await ifThere(stat(path));
  // A link whose target does not exist yet is written through, as a shell does.
  if (!existing) return { target: path, inPlace: true, mode: undefined };
  return planToReplace(operation, path, await realpath(path), existing);
}

async function planToReplace(
  operation: string,
  path: string,
  target: string,
  existing: Stats,
): Promise<Plan> {
  assertFile(operation, path, existing);
  const isOurs = existing.uid === process.getuid?.();
  // A rename would replace a file that its mode protects.
  if (!isOurs || (existing.mode & 0o200) === 0) await access(target, constants.W_OK);
  return { target, inPlace: !isOurs || existing.nlink !== 1, mode: existing.mode & 0o7777 };
}

async function ifThere(stats: Promise<Stats>): Promise<Stats | undefined> {
  try {
    return await stats;
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A temporary file beside the path, renamed at the end. */
class Swap implements Target {
  readonly #target: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #committed = false;

  static async open(target: string, mode: number | undefined): Promise<Swap> {
    const temporary = `${prefixOf(dirname(target))}.${randomUUID()}.tmp`;
    const handle = await withFolders(target, () => open(temporary, 'wx'));
    const swap = new Swap(target, temporary, handle);
    try {
      if (mode !== undefined) await handle.chmod(mode);
      return swap;
    } catch (error) {
      await swap[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(target: string, temporary: string, handle: FileHandle) {
    this.#target = target;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#handle, bytes);
  }

  async commit({ fsync }: { fsync: boolean }): Promise<void> {
    if (fsync) await this.#handle.sync();
    await rename(this.#temporary, this.#target);
    this.#committed = true;
    if (fsync) await syncFolder(dirname(this.#target));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
    if (!this.#committed) await rm(this.#temporary, { force: true });
  }
}

async function openInPlace(path: string, append: boolean): Promise<Target> {
  const how = append ? constants.O_APPEND : constants.O_TRUNC;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | how;
  const handle = await withFolders(path, () => open(path, flags));
  return {
    write: (bytes) => writeAll(handle, bytes),
    async commit({ fsync }) {
      if (fsync) await handle.sync();
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** Most files have their folder already: it is made only when opening fails. */
async function withFolders(path: string, openIt: () => Promise<FileHandle>): Promise<FileHandle> {
  try {
    return await openIt();
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    return openIt();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    offset += (await handle.write(bytes, offset, bytes.length - offset, null)).bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, constants.O_RDONLY);
  await handle.sync();
}
