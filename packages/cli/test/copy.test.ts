import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { inParallel } from '../src/copy/parallel.ts';
import { copyOf } from '../src/copy/place.ts';
import { Progress } from '../src/copy/progress.ts';

const never = new AbortController().signal;

describe('the two sides of a copy', () => {
  it.each([
    ['a', 'chat-1:b', { direction: 'in', id: 'chat-1', here: 'a', there: 'b' }],
    ['chat-1:', '.', { direction: 'out', id: 'chat-1', here: '.', there: '' }],
    ['./a:b', 'c:/d:e', { direction: 'in', id: 'c', here: './a:b', there: '/d:e' }],
    ['/x/a:b', 'c:d', { direction: 'in', id: 'c', here: '/x/a:b', there: 'd' }],
  ])('%s to %s', (source, target, expected) => {
    expect(copyOf(source, target)).toEqual(expected);
  });

  it.each([
    ['a', 'b', 'neither side is in a sandbox'],
    ['a:b', 'c:d', 'both sides are in a sandbox'],
  ])('cannot be %s and %s', (source, target, message) => {
    expect(() => copyOf(source, target)).toThrow(message);
  });
});

describe('work in parallel', () => {
  it('does every item once, several at a time', async () => {
    const done: number[] = [];
    let running = 0;
    let most = 0;
    await inParallel(Array(50).keys(), never, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(item);
    });
    expect(done.sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(most).toBeGreaterThan(1);
  });

  it('ends at the first failure, which it throws when the others have ended', async () => {
    let [begun, ended] = [0, 0];
    const failure = new Error('no');
    const work = inParallel(Array(50).keys(), never, async (item, signal) => {
      begun++;
      if (item === 2) throw failure;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended++;
    });
    await expect(work).rejects.toBe(failure);
    expect([begun, ended]).toEqual([8, 7]);
  });
});

describe('progress', () => {
  const screen = (isTTY: boolean) => {
    const written: string[] = [];
    const stream = new PassThrough().setEncoding('utf8').on('data', (text: string) => written.push(text));
    return {
      written,
      stream: Object.assign(stream, { isTTY, columns: 60 }) as unknown as NodeJS.WriteStream,
    };
  };

  it('is one line on a terminal, gone at the end', () => {
    const { written, stream } = screen(true);
    {
      using progress = new Progress(stream);
      progress.total = { files: 3, bytes: 5 * 1024 ** 2 };
      progress.bytes = 1.5 * 1024 ** 2;
      progress.fileDone();
    }
    expect(written[0]).toMatch(/^\r\x1b\[K1 of 3 files, 1\.5 MiB of 5\.0 MiB, .+\/s$/);
    expect(written.at(-1)).toBe('\r\x1b[K');
    expect(written.join('')).not.toContain('\n');
  });

  it('is nothing elsewhere but what must be said', () => {
    const { written, stream } = screen(false);
    {
      using progress = new Progress(stream);
      progress.fileDone();
      progress.say('warning: x');
    }
    expect(written.join('')).toBe('warning: x\n');
  });
});
