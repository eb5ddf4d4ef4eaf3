import type { ErrorCode, InvalidBody } from '@paddock/protocol';

/** Failures that the client finds by itself; all others come from the error catalogue. */
export type LocalErrorCode =
  /** Nothing was sent: nobody listens at the address. */
  | 'unreachable'
  /** The connection broke after the request was sent. */
  | 'connection_lost'
  /** What answered does not speak this API. */
  | 'unexpected_answer'
  /** A server that reports failures with status 200 did so. */
  | 'operation_failed'
  /** A command ended with another exit code than 0, or was ended. */
  | 'command_failed'
  /** The configuration names no provider that there is, or a variable that is not set. */
  | 'invalid_config';

export interface PaddockErrorOptions extends ErrorOptions {
  readonly hint: string;
  readonly status?: number | undefined;
  readonly data?: unknown;
  readonly details?: InvalidBody['detail'];
  readonly retryAfterMs?: number | undefined;
}

/** A call that failed: what happened (`message`), what to do (`hint`), and `code` for programs. */
export class PaddockError extends Error {
  override readonly name: string = 'PaddockError';
  /** A code of the error catalogue or of the client. A newer server may answer with codes that this release does not know. */
  readonly code: ErrorCode | LocalErrorCode | (string & Record<never, never>);
  readonly hint: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Details for programs, such as the path of a file operation. */
  readonly data: unknown;
  /** The fields that do not fit, when the code is `invalid_request`. */
  readonly details: InvalidBody['detail'];
  /** When the server asks to come back; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(code: PaddockError['code'], message: string, options: PaddockErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.status = options.status;
    this.data = options.data ?? null;
    this.details = options.details ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What a command that has ended left. */
export interface CommandResult {
  readonly command: string;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ran in a sandbox and failed. */
export class CommandError extends PaddockError implements CommandResult {
  override readonly name = 'CommandError';
  readonly command: string;
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;

  constructor(result: CommandResult, { timedOut = false } = {}) {
    super('command_failed', `${how(result, timedOut)}: ${shown(result.command)}`, {
      hint: 'Read stdout and stderr of this error.',
      data: result,
    });
    this.command = result.command;
    this.exitCode = result.exitCode;
    this.timedOut = timedOut;
    this.stdout = result.stdout;
    this.stderr = result.stderr;
  }

  /** Both outputs, standard output first. */
  get output(): string {
    return this.stdout + this.stderr;
  }
}

function how({ exitCode }: CommandResult, timedOut: boolean): string {
  if (timedOut) return 'the command was killed at its time limit';
  return exitCode === null ? 'the command was killed' : `the command ended with exit code ${exitCode}`;
}

/** Enough of a command to know it by, on one line. */
function shown(command: string): string {
  const line = command.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
