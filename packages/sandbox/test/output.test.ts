import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputRing } from '../src/output/ring.ts';
import { textOf } from '../src/output/text.ts';
import { endMark, MarkParser, startMark } from '../src/shell/marks.ts';

function ringOf(text: string, sideBytes: number, chunkBytes = 7): OutputRing {
  const ring = new OutputRing(sideBytes);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) ring.append(bytes.subarray(at, at + chunkBytes));
  return ring;
}

describe('an output ring', () => {
  it('keeps exactly the first and the last bytes, however they arrive', () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 40 });
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 64 }), fc.nat(200), (parts, side, offset) => {
        const ring = new OutputRing(side);
        for (const part of parts) ring.append(Buffer.from(part));
        const all = Buffer.concat(parts);
        expect(ring.total).toBe(all.length);
        const kept = new Set<number>();
        for (const { offset: at, bytes } of ring.since(offset)) {
          expect(bytes).toEqual(all.subarray(at, at + bytes.length));
          for (let i = 0; i < bytes.length; i += 1) kept.add(at + i);
        }
        for (let i = offset; i < all.length; i += 1)
          expect(kept.has(i)).toBe(i < side || i >= all.length - side);
      }),
    );
  });

  it('takes a known end off again', () => {
    for (const side of [2, 4, 9, 100]) {
      const ring = ringOf('hello exit\n', side);
      ring.dropEnd(Buffer.from('exit\n'));
      const kept = ring.since(0).map(({ bytes }) => bytes.toString());
      expect(kept.join('|').endsWith(side < 5 ? '\n' : 'hello ')).toBe(true);
    }
  });
});

describe('output as text', () => {
  it('is whole when it fits', () => {
    expect(textOf(ringOf('añb€c😀', 100))).toEqual({ text: 'añb€c😀', next: Buffer.byteLength('añb€c😀') });
  });

  it('never holds part of a character, wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 20, maxLength: 80 }),
        fc.integer({ min: 4, max: 30 }),
        (text, n) => {
          const well = text.toWellFormed().replaceAll('\ufffd', '?');
          expect(textOf(ringOf(well, n)).text).not.toContain('\ufffd');
          expect(textOf(ringOf(well, 1000), { limitCharacters: n }).text.isWellFormed()).toBe(true);
        },
      ),
    );
  });

  it('says how many bytes are left out', () => {
    expect(textOf(ringOf('0123456789', 100), { limitCharacters: 4 }).text).toBe(
      '01\n... [6 bytes omitted of 10] ...\n89',
    );
    expect(textOf(ringOf('0123456789', 2)).text).toBe('01\n... [6 bytes omitted of 10] ...\n89');
  });

  it('leaves an incomplete character for later while the program is at work', () => {
    const ring = new OutputRing();
    ring.append(Buffer.from('a€').subarray(0, 3));
    expect(textOf(ring, { live: true })).toEqual({ text: 'a', next: 1 });
    ring.append(Buffer.from('€').subarray(2));
    expect(textOf(ring, { from: 1, live: true })).toEqual({ text: '€', next: 4 });
  });

  it('gives only what is new', () => {
    expect(textOf(ringOf('0123456789', 100), { from: 7 })).toEqual({ text: '789', next: 10 });
    expect(textOf(ringOf('0123456789', 2), { from: 5 }).text).toBe('\n... [3 bytes omitted of 5] ...\n89');
  });
});

describe('the mark parser', () => {
  it('gives what is between the marks, wherever the chunks are cut', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', '\n', '\x1b', ']', 'paddock;', '\x1b]paddock;7;') });
    fc.assert(
      fc.property(
        texts,
        texts,
        fc.boolean(),
        fc.integer({ min: 1, max: 30 }),
        (before, output, crlf, size) => {
          const heard: string[] = [];
          let got = '';
          const parser = new MarkParser({
            output: (bytes) => {
              got += bytes.toString();
            },
            started: (found) => heard.push(`start ${found}`),
            ended: (found) => heard.push(`end ${found}`),
            between: () => undefined,
          });
          const line = crlf ? '\r\n' : '\n';
          parser.expect(123);
          const all = Buffer.from(`${before}${startMark(123)}${line}${output}${endMark(123)}${line}after`);
          for (let at = 0; at < all.length; at += size) parser.push(all.subarray(at, at + size));
          expect(heard).toEqual([`start ${crlf}`, `end ${crlf}`]);
          expect(got).toBe(output);
        },
      ),
    );
  });
});
