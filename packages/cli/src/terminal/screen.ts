import type { ReadStream, WriteStream } from 'node:tty';

/** The user's own terminal, in raw mode: each key goes out as it is pressed. Disposed of, it is as it was. */
export class Screen implements Disposable {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #typed: (text: string) => void;
  readonly #resized: () => void;

  constructor(
    heard: { typed(text: string): void; resized(columns: number, rows: number): void },
    { input = process.stdin, output = process.stdout } = {},
  ) {
    this.#input = input;
    this.#output = output;
    this.#typed = (text) => heard.typed(text);
    this.#resized = () => heard.resized(output.columns, output.rows);
    input.setRawMode(true);
    input.setEncoding('utf8').on('data', this.#typed).resume();
    output.on('resize', this.#resized);
    this.#resized();
  }

  /** Says how large the terminal is, to somebody who has not heard it. */
  tellSize(): void {
    this.#resized();
  }

  [Symbol.dispose](): void {
    this.#output.off('resize', this.#resized);
    this.#output.write(plain);
    this.#input.off('data', this.#typed).pause();
    this.#input.setRawMode(false);
  }
}

/** What a full-screen program that goes on without us may have switched: other screen, cursor, mouse, keys, paste, colours. */
const plain =
  '\x1b[?1047l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1l\x1b>\x1b[?2004l\x1b[0m';
