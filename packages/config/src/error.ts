/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  readonly message: string;
  readonly hint: string;
}

/** A configuration that cannot be used: all that is wrong with it, each with what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly hint: string;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(problems.map((problem) => problem.message).join('; '), options);
    this.problems = problems;
    this.hint = [...new Set(problems.map((problem) => problem.hint))].join(' ');
  }
}
