import { guarded } from './errors.ts';
import { checkPath } from './path.ts';
import { openTarget } from './target.ts';

export interface WriteOptions {
  /** Add to the end instead of replacing. */
  readonly append?: boolean;
  /** Return only once the content is safe on disk. */
  readonly fsync?: boolean;
  /** The operation to name in a failure. */
  readonly operation?: string;
}

/**
 * Writes a file so that readers see the old or the new content, never a part. Mode, symbolic and hard links stay; folders
 * that are missing are made. Appending adds to the file in place.
 *
 * @throws {Fault} a `file_…` code.
 */
export async function writeBytes(path: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<void> {
  const { append = false, fsync = false, operation = 'write' } = options;
  checkPath(operation, path);
  await guarded(operation, path, async () => {
    await using target = await openTarget(operation, path, { append });
    await target.write(bytes);
    await target.commit({ fsync });
  });
}
