/** Since when something has been unused: what is open now, and when the last of it ended. */
export class Use {
  #open = 0;
  #lastMs: number;

  /** @param lastMs when it was last used, in milliseconds since 1970. */
  constructor(lastMs = Date.now()) {
    this.#lastMs = lastMs;
  }

  /** A request, or a connection such as a WebSocket, begins. Gives the function that ends it. */
  begin(): () => void {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      this.#lastMs = Date.now();
    };
  }

  /** When it was last used, in milliseconds since 1970; now while something is open. */
  get lastMs(): number {
    return this.#open > 0 ? Date.now() : this.#lastMs;
  }

  /** For how long nothing was open; 0 while something is. */
  get idleMs(): number {
    return Date.now() - this.lastMs;
  }

  /** It was used `idleMs` ago by what nothing open shows, such as a command that runs on. */
  seen(idleMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, Date.now() - idleMs);
  }
}
