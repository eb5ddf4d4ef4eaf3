/** A file to send: a Blob, such as `fs.openAsBlob` gives for a file of any size, or its bytes as they come. */
export type FileContent = Blob | AsyncIterable<Uint8Array>;

interface Form {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => AsyncIterable<Uint8Array>;
  /** A file in it can be read only once. */
  readonly once: boolean;
}

/** Encodes fields as multipart/form-data. Nothing of a file is held in memory beyond the chunk that is on its way. */
export function encodeForm(fields: readonly (readonly [string, unknown])[]): Form {
  const boundary = `paddock-${crypto.randomUUID()}`;
  // Text first: the server must know where a file goes before its content comes.
  const texts = fields.filter(([, value]) => value !== null && !isFileContent(value));
  const files = fields.flatMap(([name, value]) => (isFileContent(value) ? [{ name, value }] : []));
  const parts: (Uint8Array | FileContent)[] = [
    ...texts.map(([name, value]) =>
      bytes(`--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`),
    ),
    ...files.flatMap(({ name, value }) => [
      bytes(
        `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"; filename="${quoted(fileName(value))}"\r\n` +
          'content-type: application/octet-stream\r\n\r\n',
      ),
      value,
      bytes('\r\n'),
    ]),
    bytes(`--${boundary}--\r\n`),
  ];
  const sizes = parts.map(sizeBytes);
  const total = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const isKnown = sizes.every((size) => size !== undefined);
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(isKnown && { 'content-length': String(total) }),
    },
    body: () => chunks(parts),
    once: !isKnown,
  };
}

async function* chunks(parts: readonly (Uint8Array | FileContent)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    if (part instanceof Uint8Array) yield part;
    else yield* part instanceof Blob ? part.stream() : part;
  }
}

function sizeBytes(part: Uint8Array | FileContent): number | undefined {
  if (part instanceof Uint8Array) return part.length;
  return part instanceof Blob ? part.size : undefined;
}

function isFileContent(value: unknown): value is FileContent {
  return (
    value instanceof Blob || (typeof value === 'object' && value !== null && Symbol.asyncIterator in value)
  );
}

function fileName(content: FileContent): string {
  return 'name' in content && typeof content.name === 'string' ? content.name : 'file';
}

/** As browsers escape names in a form. */
function quoted(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
