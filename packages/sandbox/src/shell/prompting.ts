/** A prompt that the shell shows, until the line is there or given up. */
import { signal } from '../processes/index.ts';
import type { Shell } from './shell.ts';

/** The shell has so long to give a line up before it is interrupted. */
const giveUpMs = 500;
const interruptKey = '\x03';
const interruptAgainMs = 50;
const interruptTries = 10;

export class Prompting implements Disposable {
  /** The number in the report that has the line. */
  readonly nonce: number;
  readonly #shell: Shell;
  #givingUp: NodeJS.Timeout | undefined;
  #interrupting: NodeJS.Timeout | undefined;

  /** @param draft what the line begins with */
  constructor(shell: Shell, draft: string) {
    this.#shell = shell;
    this.nonce = shell.prompt(draft);
  }

  /** The line is not wanted any more. It may have been entered all the same. */
  get isGivenUp(): boolean {
    return this.#givingUp !== undefined;
  }

  /** Has the shell report what there is of the line; calls back when it does not. */
  giveUp(onStuck: () => void): void {
    if (this.isGivenUp) return;
    this.#shell.endPrompt();
    this.#givingUp = setTimeout(() => {
      this.#interrupt();
      onStuck();
    }, giveUpMs);
  }

  /** Sees what is typed: an interrupt that meets the line editor on its way to sleep wakes it only at the next one. */
  typed(input: string): void {
    if (!input.includes(interruptKey)) return;
    let tries = 0;
    clearInterval(this.#interrupting);
    this.#interrupting = setInterval(() => {
      tries += 1;
      if (tries > interruptTries) clearInterval(this.#interrupting);
      else this.#interrupt();
    }, interruptAgainMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#givingUp);
    clearInterval(this.#interrupting);
  }

  #interrupt(): void {
    if (this.#shell.pid !== undefined) signal(this.#shell.pid, 'SIGINT');
  }
}
