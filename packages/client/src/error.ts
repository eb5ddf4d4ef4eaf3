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
  | 'operation_failed';

export interface PaddockErrorOptions extends ErrorOptions {
  readonly hint: string;
  readonly status?: number | undefined;
  readonly data?: unknown;
  readonly details?: InvalidBody['detail'];
}

/** A call that failed: what happened (`message`), what to do (`hint`), and `code` for programs. */
export class PaddockError extends Error {
  override readonly name = 'PaddockError';
  /** A code of the error catalogue or of the client. A newer server may answer with codes that this release does not know. */
  readonly code: ErrorCode | LocalErrorCode | (string & Record<never, never>);
  readonly hint: string;
  /** The HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** Details for programs, such as the path of a file operation. */
  readonly data: unknown;
  /** The fields that do not fit, when the code is `invalid_request`. */
  readonly details: InvalidBody['detail'];

  constructor(code: PaddockError['code'], message: string, options: PaddockErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = options.hint;
    this.status = options.status;
    this.data = options.data ?? null;
    this.details = options.details ?? [];
  }
}
