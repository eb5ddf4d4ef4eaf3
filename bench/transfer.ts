import type { Connection } from '../test/support/connection.ts';

const chunk = Buffer.alloc(64 * 1024, 'x');
const boundary = 'boundary-of-the-form';

/** Uploads a file of that size to a path in a sandbox, in chunks that a client would send. */
export async function upload(connection: Connection, path: string, sizeBytes: number): Promise<void> {
  const { status } = await connection.transfer('POST', '/v1/file/upload', {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: form(path, sizeBytes),
  });
  if (status !== 200) throw new Error(`the upload answered ${status}`);
}

/** Downloads a file of a sandbox, and checks that all of it came. */
export async function download(connection: Connection, path: string, sizeBytes: number): Promise<void> {
  let bytes = 0;
  const { status } = await connection.transfer('GET', `/v1/file/download?path=${encodeURIComponent(path)}`, {
    take(data) {
      bytes += data.length;
    },
  });
  if (status !== 200 || bytes !== sizeBytes)
    throw new Error(`the download answered ${status}, ${bytes} bytes`);
}

/** A body of that size. */
export function* bytesOf(sizeBytes: number): Generator<Buffer> {
  for (let sent = 0; sent < sizeBytes; sent += chunk.length) yield chunk;
}

function* form(path: string, sizeBytes: number): Generator<Buffer> {
  const part = `--${boundary}\r\ncontent-disposition: form-data; name=`;
  yield Buffer.from(`${part}"path"\r\n\r\n${path}\r\n${part}"file"; filename="large"\r\n\r\n`);
  yield* bytesOf(sizeBytes);
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}
