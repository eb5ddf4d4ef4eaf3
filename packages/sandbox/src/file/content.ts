import { fileFault } from './errors.ts';

export type Encoding = 'utf-8' | 'base64' | 'raw';

/** The bytes of a request's content. Throws `file_decode_error` when it is not of that encoding. */
export function decodeContent(path: string, content: string, encoding: Encoding): Buffer {
  if (encoding === 'utf-8') return Buffer.from(content, 'utf-8');
  if (encoding === 'raw') {
    if (/[^\0-\xff]/.test(content)) throw badContent(path, 'the content has characters over one byte');
    return Buffer.from(content, 'latin1');
  }
  const compact = content.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.replaceAll('=', '').length % 4 === 1) {
    throw badContent(path, 'the content is not base64');
  }
  return Buffer.from(compact, 'base64');
}

function badContent(path: string, detail: string) {
  return fileFault({ operation: 'write', path, type: 'decode_error', detail });
}
