/** How often one file's edits can be undone. */
const limitEdits = 20;

/** What all old contents may take together; the oldest are forgotten first. */
const limitChars = 8 * 1024 * 1024;

interface Version {
  readonly path: string;
  readonly content: string;
}

/** What files were before they were edited. */
export class History {
  readonly #versions: Version[] = [];
  #chars = 0;

  /** Keeps the content that an edit replaces. */
  push(path: string, content: string): void {
    this.#versions.push({ path, content });
    this.#chars += content.length;
    const ofPath = this.#versions.filter((version) => version.path === path);
    if (ofPath.length > limitEdits && ofPath[0]) this.#drop(this.#versions.indexOf(ofPath[0]));
    while (this.#chars > limitChars) this.#drop(0);
  }

  /** The content before the last edit, if it is still known. */
  last(path: string): string | undefined {
    return this.#versions.findLast((version) => version.path === path)?.content;
  }

  /** Forgets the last edit. */
  pop(path: string): void {
    const index = this.#versions.findLastIndex((version) => version.path === path);
    if (index >= 0) this.#drop(index);
  }

  #drop(index: number): void {
    for (const { content } of this.#versions.splice(index, 1)) this.#chars -= content.length;
  }
}
