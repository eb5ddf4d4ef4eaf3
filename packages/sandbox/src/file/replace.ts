import type { PathLocks } from './locks.ts';
import { readText } from './read.ts';
import { writeBytes } from './write.ts';

/**
 * Replaces every occurrence of a text in a file; gives how many there were. A file without any is not written.
 *
 * @throws {Fault} a `file_…` code.
 */
export async function replaceInFile(
  path: string,
  texts: { readonly from: string; readonly to: string },
  locks: PathLocks,
): Promise<number> {
  return locks.run(path, async () => {
    const parts = (await readText(path, {}, 'replace')).split(texts.from);
    if (parts.length > 1) {
      await writeBytes(path, Buffer.from(parts.join(texts.to)), { operation: 'replace' });
    }
    return parts.length - 1;
  });
}
