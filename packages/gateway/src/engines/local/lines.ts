import type { Readable } from 'node:stream';

/** What is read at once before a pause: whoever writes faster waits, and has no processor of ours meanwhile. */
const limitAtOnceChars = 256 * 1024;
const pauseMs = 1_000;

/**
 * Tells the lines of a stream that somebody hostile writes to. Of each it holds and tells the first characters only, for
 * it may never end; and the stream is read no faster than people log.
 *
 * @returns settles when the stream has closed.
 */
export function tellLines(stream: Readable, limitChars: number, tell: (line: string) => void): Promise<void> {
  let line = '';
  let readChars = 0;
  const add = (text: string) => {
    line += text.slice(0, limitChars - line.length);
  };
  const end = () => {
    const whole = line;
    line = '';
    tell(whole);
  };
  stream.setEncoding('utf8').on('data', (text: string) => {
    let start = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', start)) {
      add(text.slice(start, at));
      end();
      start = at + 1;
    }
    add(text.slice(start));
    readChars += text.length;
    if (readChars < limitAtOnceChars) return;
    readChars = 0;
    stream.pause();
    setTimeout(() => stream.resume(), pauseMs).unref();
  });
  return new Promise((resolve) => {
    stream.once('close', () => {
      if (line !== '') end();
      resolve();
    });
  });
}
