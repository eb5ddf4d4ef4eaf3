import type { Reply } from './exchange.ts';

/**
 * What an operation of bytes answered: its chunks as they arrive, held nowhere. It is read once; one that is not read to
 * its end is let go of by leaving the loop over it or at the end of its scope (`await using`).
 */
export class Content implements AsyncIterable<Uint8Array>, AsyncDisposable {
  readonly #reply: Reply;

  constructor(reply: Reply) {
    this.#reply = reply;
  }

  /** The size that the server announced; undefined when it did not. */
  get sizeBytes(): number | undefined {
    return this.#reply.sizeBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#reply.chunks();
  }

  /** All of it, in memory. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reply.cancel();
  }
}
