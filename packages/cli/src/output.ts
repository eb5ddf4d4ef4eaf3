/** Whoever read the output has left: `paddock … | head`. */
export class ClosedPipe extends Error {
  override readonly name = 'ClosedPipe';
}

/**
 * Writes to standard output, all of it.
 *
 * @throws ClosedPipe
 */
export function print(text: string | Uint8Array): Promise<void> {
  return write(process.stdout, text);
}

/**
 * Writes to standard error, all of it.
 *
 * @throws ClosedPipe
 */
export function printError(text: string | Uint8Array): Promise<void> {
  return write(process.stderr, text);
}

/** Has what is written by others than `print` end quietly when its reader has left. */
export function allowClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (!isClosedPipe(error)) throw error;
    });
}

function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  if (text.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(isClosedPipe(error) ? new ClosedPipe() : error);
    // The event follows the callback of a write that failed, and without a listener would end the process.
    stream.once('error', failed);
    stream.write(text, (error) => {
      if (error) return failed(error);
      stream.off('error', failed);
      resolve();
    });
  });
}

function isClosedPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}
