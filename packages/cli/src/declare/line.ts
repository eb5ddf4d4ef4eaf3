/** A command line as commands see it. */
export interface Line {
  /** Paddock's own words. */
  readonly own: readonly string[];
  /** What follows the first `--`; undefined when there is none. */
  readonly rest: readonly string[] | undefined;
  /** Sets the exit code; 0 unless it is called. */
  ends(exitCode: number): void;
}

/** Parts what is paddock's own from what goes to the sandbox as it is: what follows the first `--`. */
export function cut(argv: readonly string[]): Pick<Line, 'own' | 'rest'> {
  const at = argv.indexOf('--');
  return at < 0 ? { own: argv, rest: undefined } : { own: argv.slice(0, at), rest: argv.slice(at + 1) };
}
