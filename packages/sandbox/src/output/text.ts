/** Printed bytes as text: characters are never cut in the middle, and what is left out is said with its size. */
import type { OutputRing, Segment } from './ring.ts';

/** How the text is made. */
export interface TextOptions {
  /** Bytes of the beginning that the caller has already. */
  readonly from?: number;
  /** The most characters to give, cut in the middle; absent for all that is kept. */
  readonly limitCharacters?: number | undefined;
  /** The program is at work, so that an incomplete character at the end may become whole: it is left for later. */
  readonly live?: boolean;
  /** The terminal turned every line end into a carriage return and a line feed: turn them back. */
  readonly crlf?: boolean;
}

export interface Text {
  readonly text: string;
  /** Where to read on: the number of bytes that were printed before what comes next. */
  readonly next: number;
}

/** No character is longer in UTF-8. */
const longestCharacterBytes = 4;

/** Decodes what the ring holds. */
export function textOf(ring: OutputRing, options: TextOptions = {}): Text {
  const { limitCharacters = Number.POSITIVE_INFINITY, live = false, crlf = false } = options;
  const from = characterStart(ring, options.from ?? 0);
  const segments = ring.since(from);
  const held = live ? incompleteAtEnd(segments.at(-1)?.bytes) : 0;
  const next = ring.total - held;
  const decode = (bytes: Buffer) => {
    const text = bytes.toString('utf8');
    return crlf ? text.replaceAll('\r\n', '\n') : text;
  };

  const [first, second] = withoutLast(segments, held);
  if (first === undefined) return { text: '', next };
  const whole = second === undefined && first.offset === from;
  if (whole && first.bytes.length <= limitCharacters) return { text: decode(first.bytes), next };
  if (whole) {
    const text = decode(first.bytes);
    if (text.length <= limitCharacters) return { text, next };
  }

  // Only the ends can appear in the answer, so only they are decoded.
  const share = Math.floor(limitCharacters / 2);
  const start = second === undefined && first.offset !== from ? Buffer.alloc(0) : first.bytes;
  const end = second === undefined ? first.bytes : second.bytes;
  const headText = decode(trimEnd(start.subarray(0, share * longestCharacterBytes)));
  const tailText = decode(trimStart(end.subarray(Math.max(0, end.length - share * longestCharacterBytes))));
  const head = headText.slice(0, splitBefore(headText, Math.min(headText.length, share)));
  const tail = tailText.slice(splitAfter(tailText, Math.max(0, tailText.length - share)));
  const omitted = next - from - Buffer.byteLength(head) - Buffer.byteLength(tail);
  return { text: `${head}\n... [${omitted} bytes omitted of ${next - from}] ...\n${tail}`, next };
}

function withoutLast(segments: Segment[], count: number): Segment[] {
  const last = segments.at(-1);
  if (last === undefined || count === 0) return segments;
  return [
    ...segments.slice(0, -1),
    { offset: last.offset, bytes: last.bytes.subarray(0, last.bytes.length - count) },
  ];
}

/** The offset, or where the character ends that it lies within. */
function characterStart(ring: OutputRing, offset: number): number {
  const around = ring.since(Math.max(0, offset - longestCharacterBytes + 1))[0];
  if (around === undefined || around.offset >= offset) return offset;
  const at = offset - around.offset;
  const begun = incompleteAtEnd(around.bytes.subarray(0, at));
  if (begun === 0) return offset;
  const rest = characterBytes(around.bytes[at - begun] ?? 0) - begun;
  const isWhole = around.bytes.subarray(at, at + rest).every(isContinuation);
  return isWhole ? Math.min(offset + rest, ring.total) : offset;
}

/** How many bytes at the end begin a character that is not whole yet. */
function incompleteAtEnd(bytes: Buffer | undefined): number {
  if (bytes === undefined) return 0;
  for (let back = 1; back < longestCharacterBytes && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (isContinuation(byte)) continue;
    return characterBytes(byte) > back ? back : 0;
  }
  return 0;
}

function trimEnd(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length - incompleteAtEnd(bytes));
}

/** Drops the end of a character whose beginning is not there. */
function trimStart(bytes: Buffer): Buffer {
  let skip = 0;
  while (skip < longestCharacterBytes - 1 && isContinuation(bytes[skip] ?? 0)) skip += 1;
  return bytes.subarray(skip);
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

function characterBytes(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

/** The index itself, or one less where it would part a surrogate pair. */
function splitBefore(text: string, index: number): number {
  return isLowSurrogate(text.charCodeAt(index)) ? index - 1 : index;
}

function splitAfter(text: string, index: number): number {
  return isLowSurrogate(text.charCodeAt(index)) ? index + 1 : index;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
