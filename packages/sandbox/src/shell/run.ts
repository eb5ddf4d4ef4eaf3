/** A command that was handed to the shell, from then until both its end mark and its report have come. */
import type { Execution, Outcome } from './execution.ts';
import type { Report } from './lines.ts';

export class Run {
  readonly execution: Execution;
  /** Somebody typed it at the prompt: the terminal is as for a person. */
  readonly typed: boolean;
  readonly #timers: NodeJS.Timeout[] = [];
  /** The number in its marks and reports. */
  nonce = 0;
  started = false;
  ended = false;
  report: Extract<Report, { kind: 'done' }> | undefined;
  /** It is being stopped, and this will be its status. */
  stopping: 'hard_timeout' | 'terminated' | undefined;
  /** The terminal may not be as it should be. */
  disturbed: boolean;
  /** How often the shell was found unable to report, and healed. */
  healings = 0;
  /** It could not begin once, and was handed to the shell again. */
  again = false;
  /** How often in a row the shell was found at its prompt without a report. */
  astray = 0;

  constructor(execution: Execution, typed = false) {
    this.execution = execution;
    this.typed = typed;
    this.disturbed = /\bstty\b/.test(execution.command.text);
  }

  /** Keeps a timer that is cleared when the run is over. */
  until(timer: NodeJS.Timeout): void {
    this.#timers.push(timer);
  }

  /** Ends the execution. A command that is being stopped has no exit code that says anything. */
  release(outcome: Outcome): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.execution.end(this.stopping === undefined ? outcome : { status: this.stopping, exitCode: null });
  }
}
