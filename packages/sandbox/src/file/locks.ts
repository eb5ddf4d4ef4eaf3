/** Lets one edit of a file end before the next begins: each reads the file, changes the text and writes it. */
export class PathLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs once all that was asked for the same path before has ended. */
  async run<Result>(path: string, edit: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(path);
    const turn = before ? before.then(edit, edit) : edit();
    this.#last.set(path, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(path) === turn) this.#last.delete(path);
    }
  }
}
