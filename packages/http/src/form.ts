/** From a multipart body to its parts, while it arrives: a file of any size passes through in small chunks. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { BusboyConstructor, BusboyInstance } from '@fastify/busboy';
import { InvalidInput } from './input.ts';

/** A text field of a form. */
interface FormField {
  readonly kind: 'field';
  readonly name: string;
  readonly value: string;
}

/** A file of a form. What of its content is not read before the next part is asked for is lost. */
interface FormFile {
  readonly kind: 'file';
  readonly name: string;
  /** The last segment of the name that the caller gave it. */
  readonly fileName: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

export type FormPart = FormField | FormFile;

/** The parts of a request's form, in the order in which they were sent. */
export type Form = AsyncIterable<FormPart>;

/** No operation has more fields; without limits a body of nothing but parts would fill the memory. */
const limits = { fields: 100, files: 10, fieldSize: 64 * 1024, headerPairs: 100 };

/**
 * Reads a multipart/form-data body. When the loop over it is left early, it is left once the rest of the body has come
 * and gone: many clients look for an answer only when they have sent everything.
 *
 * @throws {InvalidInput} when the body is no form, or ends in the middle.
 */
export async function* readForm(request: IncomingMessage): Form {
  try {
    // On first use: most sandboxes never get an upload, and what a server loads at its start, each of them pays.
    const { Busboy } = await import('@fastify/busboy');
    const parser = parserFor(request, Busboy);
    const parts = new PartQueue();
    parser.on('field', (name, value) => parts.push({ kind: 'field', name, value }));
    parser.on('file', (name, content, fileName) => parts.pushFile({ name, fileName }, content));
    parser.on('finish', () => parts.end());
    parser.on('error', () => parts.fail(notAForm('it is malformed or incomplete')));
    const gone = () => {
      if (!request.complete) parts.fail(notAForm('the client has gone'));
    };
    request.once('close', gone);
    if (request.destroyed) gone();
    request.pipe(parser);
    try {
      yield* parts;
    } finally {
      request.off('close', gone);
      request.unpipe(parser);
    }
  } finally {
    await discardRest(request);
  }
}

function parserFor(request: IncomingMessage, Busboy: BusboyConstructor): BusboyInstance {
  const contentType = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data;/i.test(contentType)) throw notAForm('it must be multipart/form-data');
  try {
    return new Busboy({ headers: { ...request.headers, 'content-type': contentType }, limits });
  } catch {
    throw notAForm('its boundary is missing');
  }
}

function discardRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.readableEnded || request.destroyed) return resolve();
    request
      .once('end', resolve)
      .once('close', resolve)
      .once('error', () => resolve());
    request.resume();
  });
}

function notAForm(why: string): InvalidInput {
  return new InvalidInput([{ loc: ['body'], msg: `The form cannot be read: ${why}`, type: 'form_invalid' }]);
}

/** Parts that have arrived and were not taken yet: the parser waits for a file to be read, so that these are few. */
class PartQueue implements AsyncIterable<FormPart> {
  readonly #waiting: { readonly part: FormPart; readonly content?: Readable }[] = [];
  #end: { readonly error?: Error } | undefined;
  #file: Readable | undefined;
  #wake = () => {};

  push(part: FormPart): void {
    this.#waiting.push({ part });
    this.#wake();
  }

  pushFile(file: Pick<FormFile, 'name' | 'fileName'>, content: Readable): void {
    this.#file = content;
    // A reader gets the failure from the stream; one that came too late for it must not end the process.
    content.on('error', () => {});
    this.#waiting.push({ part: { kind: 'file', ...file, content: chunksOf(content) }, content });
    this.#wake();
  }

  end(): void {
    this.#end ??= {};
    this.#wake();
  }

  fail(error: Error): void {
    if (this.#end) return;
    this.#end = { error };
    if (this.#file && !this.#file.readableEnded) this.#file.destroy(error);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<FormPart> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next.part;
        next.content?.resume();
      } else if (this.#end?.error) throw this.#end.error;
      else if (this.#end) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

async function* chunksOf(content: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch {
    throw notAForm('it is malformed or incomplete');
  }
}
