import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { assertFile } from './errors.ts';

/** A file that is open for reading. */
export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/** Opens a regular file for reading; the caller closes it. */
export async function openFile(operation: string, path: string): Promise<OpenFile> {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = await handle.stat();
    assertFile(operation, path, stats);
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
