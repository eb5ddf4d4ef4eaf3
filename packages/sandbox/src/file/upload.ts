import { randomUUID } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Form, InvalidInput } from '@paddock/http';
import { guarded, isSystemError } from './errors.ts';
import { openFile } from './open.ts';
import { checkPath, prefixOf } from './path.ts';
import { openTarget, type Target } from './target.ts';

interface Uploaded {
  readonly path: string;
  readonly sizeBytes: number;
}

/**
 * Takes the file of a form, whose field `path` says where to put it. It appears there, whole, when the form has ended.
 * A path that comes behind the file, as some clients send it, costs a move.
 *
 * @param folder where a file goes that no path is given for.
 * @throws {Fault} a `file_…` code.
 * @throws {InvalidInput} when the form lacks the file.
 */
export async function takeUpload(form: Form, folder: string): Promise<Uploaded> {
  await using resources = new AsyncDisposableStack();
  const fields = new Map<string, string>();
  let received: Received | undefined;
  for await (const part of form) {
    if (part.kind === 'field') fields.set(part.name, part.value);
    else if (part.name === 'file' && !received) {
      const known = fields.get('path');
      if (known) checkPath('upload', known);
      const path = known || temporaryIn(folder);
      received = await guarded('upload', path, async () => {
        const target = resources.use(await openTarget('upload', path));
        const sizeBytes = await copy(part.content, target);
        return { target, path, sizeBytes, isNamed: Boolean(known), fileName: part.fileName };
      });
    }
  }
  if (!received) throw new InvalidInput([{ loc: ['body', 'file'], msg: 'Field required', type: 'missing' }]);
  return await place(received, fields, folder);
}

interface Received {
  readonly target: Target;
  readonly path: string;
  readonly sizeBytes: number;
  /** Its path is the one that was asked for. */
  readonly isNamed: boolean;
  readonly fileName: string | undefined;
}

async function place(
  received: Received,
  fields: ReadonlyMap<string, string>,
  folder: string,
): Promise<Uploaded> {
  const { target, sizeBytes, isNamed } = received;
  const fsync = /^(true|1|yes|on)$/i.test(fields.get('fsync') ?? '');
  const path = isNamed ? received.path : fields.get('path') || inFolder(folder, received.fileName);
  checkPath('upload', path);
  await guarded('upload', path, async () => {
    await target.commit({ fsync });
    if (!isNamed) await move(received.path, path, fsync);
  });
  return { path, sizeBytes };
}

function temporaryIn(folder: string): string {
  return `${prefixOf(folder)}.${randomUUID()}.upload`;
}

function inFolder(folder: string, fileName: string | undefined): string {
  const name = basename(fileName ?? '');
  if (name !== '' && name !== '.' && name !== '..') return prefixOf(folder) + name;
  const msg = 'Field required where the file has no name';
  throw new InvalidInput([{ loc: ['body', 'path'], msg, type: 'missing' }]);
}

/** Writes a stream's chunks as they come; gives how many bytes there were. */
async function copy(content: AsyncIterable<Uint8Array>, target: Target): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of content) {
    await target.write(chunk);
    sizeBytes += chunk.length;
  }
  return sizeBytes;
}

async function move(from: string, to: string, fsync: boolean): Promise<void> {
  try {
    const isFree = await lstat(to).then(
      () => false,
      (error: unknown) => isSystemError(error) && error.code === 'ENOENT',
    );
    if (isFree && (await renamed(from, to))) return;
    await using target = await openTarget('upload', to);
    const { handle } = await openFile('upload', from);
    await copy(handle.createReadStream({ highWaterMark: 1024 * 1024 }), target);
    await target.commit({ fsync });
  } finally {
    await rm(from, { force: true });
  }
}

/** False when the path is on another file system, or its folder does not exist yet. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isSystemError(error) && (error.code === 'EXDEV' || error.code === 'ENOENT')) return false;
    throw error;
  }
}
