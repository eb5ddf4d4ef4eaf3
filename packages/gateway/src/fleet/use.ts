/** When a sandbox was last used, as far as requests to it show. */
export class Use {
  #open = 0;
  #lastMs = Date.now();

  /** A request, or a connection such as a WebSocket, begins. Gives the function that ends it. */
  begin(): () => void {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      this.#lastMs = Date.now();
    };
  }

  /** For how long nothing was open; 0 while something is. */
  get idleMs(): number {
    return this.#open > 0 ? 0 : Date.now() - this.#lastMs;
  }

  /** It was used `idleMs` ago by what no request shows, such as a command that runs on. */
  seen(idleMs: number): void {
    this.#lastMs = Math.max(this.#lastMs, Date.now() - idleMs);
  }
}
