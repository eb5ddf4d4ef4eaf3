/** A command line as commands see it. */
export interface Line {
  /** Paddock's own words. */
  readonly own: readonly string[];
  /** What follows the first `--`; undefined when there is none. */
  readonly rest: readonly string[] | undefined;
  /** Sets the exit code; 0 unless it is called. */
  ends(exitCode: number): void;
}
