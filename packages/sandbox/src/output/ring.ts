/**
 * What a program printed, in bounded memory: the first bytes and the latest ones, with a gap between them when there
 * were more. Appending copies and never decodes, so that a flood costs little more than the copy.
 */

/** Bytes kept of the beginning, and as many of the end. */
const defaultSideBytes = 1024 * 1024;
const firstAllocationBytes = 4096;

/** A part of the printed bytes; `offset` counts from the first byte that was printed. */
export interface Segment {
  readonly offset: number;
  readonly bytes: Buffer;
}

export class OutputRing {
  #head: Buffer = Buffer.alloc(0);
  #headUsed = 0;
  #tail: Buffer = Buffer.alloc(0);
  /** Bytes that went to the tail, most of them overwritten in a flood. */
  #tailWritten = 0;
  readonly #sideBytes: number;

  constructor(sideBytes: number = defaultSideBytes) {
    this.#sideBytes = sideBytes;
  }

  /** Bytes printed so far, kept or not. */
  get total(): number {
    return this.#headUsed + this.#tailWritten;
  }

  /** Bytes that are kept. */
  get keptBytes(): number {
    return this.#headUsed + Math.min(this.#tailWritten, this.#sideBytes);
  }

  append(chunk: Buffer): void {
    const room = this.#sideBytes - this.#headUsed;
    if (room > 0) {
      const part = chunk.length <= room ? chunk : chunk.subarray(0, room);
      this.#head = grown(this.#head, this.#headUsed, this.#headUsed + part.length, this.#sideBytes);
      part.copy(this.#head, this.#headUsed);
      this.#headUsed += part.length;
    }
    if (chunk.length > room) this.#appendToTail(room > 0 ? chunk.subarray(room) : chunk);
  }

  /**
   * The kept bytes from `offset` on, in order: none, one or two segments. Bytes between two segments, or between
   * `offset` and the first one, were dropped. The segments share memory with the ring: use them before the next append.
   */
  since(offset: number): Segment[] {
    const segments: Segment[] = [];
    if (offset < this.#headUsed)
      segments.push({ offset, bytes: this.#head.subarray(offset, this.#headUsed) });
    const keptOfTail = Math.min(this.#tailWritten, this.#sideBytes);
    const tailStart = this.total - keptOfTail;
    const from = Math.max(offset, tailStart);
    if (from >= this.total) return segments;
    const bytes = this.#tailBytes(from - this.#headUsed);
    const last = segments[0];
    if (last === undefined || last.offset + last.bytes.length < from) segments.push({ offset: from, bytes });
    else segments[0] = { offset: last.offset, bytes: Buffer.concat([last.bytes, bytes]) };
    return segments;
  }

  /** Takes the given bytes off the end, if that is what it ends with. */
  dropEnd(bytes: Buffer): void {
    const last = this.since(Math.max(0, this.total - bytes.length)).at(-1);
    if (last === undefined || !last.bytes.equals(bytes)) return;
    const fromTail = Math.min(bytes.length, this.#tailWritten);
    this.#tailWritten -= fromTail;
    this.#headUsed -= bytes.length - fromTail;
  }

  /** Gives back what was allocated ahead. Call it when no more is to come. */
  trim(): void {
    this.#head = Buffer.from(this.#head.subarray(0, this.#headUsed));
    if (this.#tailWritten < this.#tail.length)
      this.#tail = Buffer.from(this.#tail.subarray(0, this.#tailWritten));
  }

  #appendToTail(chunk: Buffer): void {
    const size = this.#sideBytes;
    const part = chunk.length <= size ? chunk : chunk.subarray(chunk.length - size);
    const skipped = chunk.length - part.length;
    const start = this.#tailWritten + skipped;
    this.#tailWritten += chunk.length;
    if (start + part.length <= size) this.#tail = grown(this.#tail, start, start + part.length, size);
    else if (this.#tail.length < size)
      this.#tail = grown(this.#tail, Math.min(start, this.#tail.length), size, size);
    const at = start % size;
    const copied = part.copy(this.#tail, at);
    if (copied < part.length) part.copy(this.#tail, 0, copied);
  }

  /** The tail's bytes from `from` on, counted from the first byte that went to the tail. */
  #tailBytes(from: number): Buffer {
    const size = this.#sideBytes;
    if (this.#tailWritten <= size) return this.#tail.subarray(from, this.#tailWritten);
    const start = from % size;
    const end = this.#tailWritten % size;
    if (start < end) return this.#tail.subarray(start, end);
    return Buffer.concat([this.#tail.subarray(start), this.#tail.subarray(0, end)]);
  }
}

/** A buffer with room for `needed` bytes that begins with the first `used` bytes of `buffer`. */
function grown(buffer: Buffer, used: number, needed: number, limit: number): Buffer {
  if (needed <= buffer.length) return buffer;
  const size = Math.min(limit, Math.max(needed, buffer.length * 2, firstAllocationBytes));
  const next = Buffer.allocUnsafeSlow(size);
  buffer.copy(next, 0, 0, used);
  return next;
}
