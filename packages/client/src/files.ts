import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Aio, FileEntry } from '@paddock/protocol';
import type { CallOptions } from './exchange.ts';
import type { FileContent } from './form.ts';
import type { Methods } from './methods.ts';

const chunkBytes = 256 * 1024;

/** The files of a sandbox as programs mostly want them: text, bytes, and files of this machine. All paths in it are absolute. */
export class Files {
  readonly #file: Methods<Aio>['file'];

  constructor(file: Methods<Aio>['file']) {
    this.#file = file;
  }

  /** The text of a file. */
  async read(path: string, options?: CallOptions): Promise<string> {
    return (await this.#file.read({ file: path }, options)).content;
  }

  /** The bytes of a file. */
  async readBytes(path: string, options?: CallOptions): Promise<Uint8Array> {
    await using content = await this.#file.download({ path }, options);
    return await content.bytes();
  }

  /** Writes a file whole, making the folders that it needs. */
  async write(path: string, content: string | Uint8Array, options?: CallOptions): Promise<void> {
    if (typeof content === 'string') await this.#file.write({ file: path, content }, options);
    else await this.upload(only(content), path, options);
  }

  /** The entries of a folder, or of everything below it. */
  async list(
    path: string,
    options: CallOptions & { readonly recursive?: boolean } = {},
  ): Promise<FileEntry[]> {
    const { recursive, signal } = options;
    return (await this.#file.list({ path, recursive }, { signal })).files;
  }

  /**
   * Sends a file of any size, which appears when it is complete.
   *
   * @param source The path of a file of this machine, or content.
   */
  async upload(source: string | FileContent, path: string, options?: CallOptions): Promise<void> {
    const content =
      typeof source === 'string' ? createReadStream(source, { highWaterMark: chunkBytes }) : source;
    await this.#file.upload({ path, file: content }, options);
  }

  /** Fetches a file of any size into a file of this machine, which appears when it is complete. */
  async download(path: string, target: string, options?: CallOptions): Promise<void> {
    await using content = await this.#file.download({ path, change_policy: 'abort' }, options);
    const partial = `${target}.${crypto.randomUUID().slice(0, 8)}.part`;
    try {
      await pipeline(content, createWriteStream(partial, { flags: 'wx' }));
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }
}

async function* only(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
