/** Who looks at a session's terminal, and what those see who come later. */
import { StringDecoder } from 'node:string_decoder';

/** One who looks. */
export interface Viewer {
  output(text: string): void;
  /** The session is over, with the rest of a sentence that begins "The session". */
  end(why: string): void;
}

/** Characters of earlier output that one who comes later gets. */
const scrollbackCharacters = 200_000;

export class Viewers {
  readonly #all = new Set<Viewer>();
  readonly #decoder = new StringDecoder('utf8');
  #scrollback: string;

  /** @param before what the terminal showed before anybody looked */
  constructor(before: string) {
    this.#scrollback = withCarriageReturns(before);
  }

  get count(): number {
    return this.#all.size;
  }

  /** Shows what was there before, and from now on what comes, until disposed of. */
  add(viewer: Viewer): Disposable {
    this.#all.add(viewer);
    const before = this.#scrollback.slice(-scrollbackCharacters);
    if (before !== '') viewer.output(before);
    return { [Symbol.dispose]: () => this.#all.delete(viewer) };
  }

  /** @param isRaw the bytes are what a terminal shows; else line ends lack their carriage returns */
  show(bytes: Buffer, isRaw: boolean): void {
    const decoded = this.#decoder.write(bytes);
    const text = isRaw ? decoded : withCarriageReturns(decoded);
    if (text === '') return;
    this.#scrollback += text;
    if (this.#scrollback.length > 2 * scrollbackCharacters) {
      this.#scrollback = this.#scrollback.slice(-scrollbackCharacters);
    }
    for (const viewer of this.#all) viewer.output(text);
  }

  end(why: string): void {
    for (const viewer of this.#all) viewer.end(why);
  }
}

function withCarriageReturns(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}
