/** The exit code of failures of paddock itself, apart from those of what it runs; the number that `docker run` and `env` use. */
export const ownFailure = 125;

/** A failure that the command line finds by itself. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly hint: string;

  constructor(message: string, options: { readonly hint: string } & ErrorOptions) {
    super(message, options);
    this.hint = options.hint;
  }
}

/** The reason of an abort by a signal: the user knows, so nothing is printed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}
