/** A regular expression that cannot be read. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Goes through a pattern, one character of Unicode at a time. */
export class Scanner {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#chars = Array.from(pattern);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#chars.length;
  }

  /** The next character, or '' at the end. */
  peek(ahead = 0): string {
    return this.#chars[this.#at + ahead] ?? '';
  }

  /** Takes the next character. */
  take(): string {
    const char = this.#chars[this.#at];
    if (char === undefined) throw new PatternError('it ends too soon');
    this.#at++;
    return char;
  }

  /** Takes a text if it is next. */
  accept(text: string): boolean {
    const chars = Array.from(text);
    if (chars.some((char, i) => this.peek(i) !== char)) return false;
    this.#at += chars.length;
    return true;
  }

  /** Takes everything up to a character, and that too. */
  takeUntil(end: string): string {
    let taken = '';
    while (this.peek() !== end) taken += this.take();
    this.#at++;
    return taken;
  }
}
