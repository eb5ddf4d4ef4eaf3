/** Work that is done one after another for each key, and at once for different ones. */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<void>>();

  /** Does the work once all earlier work for its key has ended, well or not. */
  take<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const over = turn.then(
      () => {},
      () => {}, // Whoever took the turn hears of it.
    );
    this.#last.set(key, over);
    void over.then(() => {
      if (this.#last.get(key) === over) this.#last.delete(key);
    });
    return turn;
  }

  /** Settles once all work has ended that was begun or waits now. */
  async all(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
