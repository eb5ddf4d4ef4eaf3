/** When something last happened in this sandbox. */
export class Activity {
  readonly #isBusy: () => boolean;
  #open = 0;
  #lastMs = Date.now();

  /** @param isBusy whether a command runs that no request waits for. */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
  }

  /** A request or a connection begins. Gives the function that ends it. */
  begin(): () => void {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      this.#lastMs = Date.now();
    };
  }

  /** Since the last request or command; 0 while one is under way. A command's end is seen when it is asked for. */
  get idleSeconds(): number {
    if (this.#open > 0 || this.#isBusy()) this.#lastMs = Date.now();
    return (Date.now() - this.#lastMs) / 1000;
  }
}
