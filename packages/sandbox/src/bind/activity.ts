import { Use } from '@paddock/http';

/** When something last happened in this sandbox. */
export class Activity {
  readonly #isBusy: () => boolean;
  readonly #use = new Use();

  /** @param isBusy whether a command runs that no request waits for. */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy;
  }

  /** A request or a connection begins. Gives the function that ends it. */
  begin(): () => void {
    return this.#use.begin();
  }

  /** Since the last request or command; 0 while one is under way. A command's end is seen when it is asked for. */
  get idleSeconds(): number {
    if (this.#isBusy()) this.#use.seen(0);
    return this.#use.idleMs / 1000;
  }
}
