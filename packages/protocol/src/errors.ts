/**
 * The error catalogue: every failure that Paddock can answer, once.
 *
 * The statuses follow one rule of the field: clients repeat a request that was answered 408, 429 or 5xx, also one that
 * started a command. So those statuses stand only on failures that happen before anything ran.
 */

interface CatalogueEntry {
  /** HTTP status of the answer. */
  readonly status: number;
  /** What happened, for docs and as the message where the thrower has none of its own. */
  readonly what: string;
  /** What the caller can do about it. */
  readonly todo: string;
}

const catalogue = {
  invalid_request: {
    status: 422,
    what: 'The request does not fit the schema of the operation.',
    todo: 'Correct the fields that `detail` names.',
  },
  body_too_large: {
    status: 413,
    what: 'The request body is larger than the server accepts.',
    todo: 'Send less at once, or upload the content as a file.',
  },
  route_not_found: {
    status: 404,
    what: 'There is no such route.',
    todo: 'Look the path and method up in /openapi.json.',
  },
  internal: {
    status: 500,
    what: 'An unexpected fault. The log has its cause under the id in the message.',
    todo: 'Report it with the id.',
  },

  unauthorized: {
    status: 401,
    what: 'No key, or one that is not known.',
    todo: 'Send the key as X-API-Key, X-AIO-API-Key, or Authorization: Bearer.',
  },
  host_refused: {
    status: 403,
    what: 'The Host header names a host that this server does not serve.',
    todo: 'Use a loopback name or an address, or add the name to allowedHosts.',
  },
  origin_refused: {
    status: 403,
    what: 'The request comes from a web page of another origin.',
    todo: 'Call from a program, or add the origin to allowedOrigins.',
  },

  sandbox_not_found: {
    status: 404,
    what: 'There is no sandbox of that id.',
    todo: 'Create it through POST /api/sandboxes or the X-Sandbox-Id header.',
  },
  sandbox_limit: {
    status: 429,
    what: 'As many sandboxes are live as the configuration allows. Nothing ran.',
    todo: 'Release one, or raise maxSandboxes.',
  },
  pool_empty: {
    status: 429,
    what: 'No started sandbox is free, and poolPolicy is "fail". Nothing ran.',
    todo: 'Ask again in some seconds, or give the pool more replicas.',
  },
  engine_unavailable: {
    status: 503,
    what: 'The cluster that keeps the sandboxes did not answer, so that it is not known whether there is one. Nothing ran.',
    todo: 'Ask again; if it stays so, look at the API server and the permissions of the gateway.',
  },
  peer_refused: {
    status: 403,
    what: 'The request comes from the address of a sandbox.',
    todo: 'Call from outside of sandboxes.',
  },
  template_unknown: {
    status: 422,
    what: 'There is no template of that name. Nothing was made.',
    todo: 'Leave template out, or take a name that the setting templates has or, on Kubernetes, a Deployment is labelled with.',
  },
  sandbox_starting: {
    status: 503,
    what: 'The sandbox is still starting. Nothing ran.',
    todo: 'Ask again in a second.',
  },
  sandbox_failed: {
    status: 503,
    what: 'The sandbox could not be started. Nothing ran.',
    todo: 'Read the reason in the message; `paddock doctor` checks what sandboxes need.',
  },
  sandbox_died: {
    status: 410,
    what: 'The sandbox ended while it worked on the request, which may have run in part.',
    todo: 'Check what was done before you send it again: the next request gets a new server.',
  },
  draining: {
    status: 503,
    what: 'The server is shutting down. Nothing ran.',
    todo: 'Send the request again.',
  },

  program_not_listening: {
    status: 502,
    what: 'No program listens on the port in the sandbox. Nothing ran.',
    todo: 'Start one there, on 127.0.0.1, ::1 or every address, and ask again.',
  },
  program_failed: {
    status: 424,
    what: 'The program in the sandbox ended the connection, or sent what is no HTTP, instead of an answer.',
    todo: 'Look at what the program printed, and check what was done before you send it again.',
  },

  not_bound: {
    status: 403,
    what: 'The sandbox server has not been bound to a sandbox yet.',
    todo: 'Bind it first, or go through the gateway.',
  },
  bound_to_another: {
    status: 409,
    what: 'The sandbox server is bound to another sandbox already.',
    todo: 'Take another server.',
  },
  token_refused: {
    status: 403,
    what: 'The gateway token is missing, forged, expired, or made for another sandbox or scope.',
    todo: 'Go through the gateway.',
  },

  session_not_found: {
    status: 404,
    what: 'There is no such session.',
    todo: 'Create it, or call without an id.',
  },
  session_busy: {
    status: 409,
    what: 'Another command holds the session and did not end in time. Nothing ran.',
    todo: 'Write to it, kill it, or use another session id.',
  },
  session_limit: {
    status: 409,
    what: 'As many sessions are open as the server allows. Nothing ran.',
    todo: 'Delete a session that is no longer needed.',
  },
  session_failed: {
    status: 409,
    what: 'The session could not be started. Nothing ran.',
    todo: 'Read the reason in the message: often the limit of processes or memory.',
  },
  session_closed: {
    status: 409,
    what: 'The session was closed. Nothing ran.',
    todo: 'Use another session id.',
  },
  command_not_found: {
    status: 404,
    what: 'There is no such command in the session, or its output is no longer kept.',
    todo: 'Leave command_id out for the latest command.',
  },
  no_running_command: {
    status: 409,
    what: 'No command runs in the session. Nothing was done.',
    todo: 'Start one first.',
  },
  input_closed: {
    status: 409,
    what: 'The command takes no input: it was started with an empty one. Nothing was written.',
    todo: 'Start it with async_mode, or in a session made by /v1/bash/sessions/create.',
  },
  input_full: {
    status: 409,
    what: 'The command does not read what was written before. Nothing more was written.',
    todo: 'Wait until it reads, or kill it.',
  },
  working_dir_not_found: {
    status: 400,
    what: 'The working directory does not exist or cannot be entered. Nothing ran.',
    todo: 'Create it first, or leave exec_dir out.',
  },

  file_not_found: { status: 404, what: 'The path does not exist.', todo: 'Check the path.' },
  file_permission_denied: {
    status: 403,
    what: 'The user of the sandbox may not do this to the path.',
    todo: 'Use a path under the workspace, the home folder or /tmp.',
  },
  file_invalid_target: {
    status: 400,
    what: 'The path is of the wrong kind: a folder, a device, a pipe or a socket where a file is needed, or the reverse.',
    todo: 'Name a path of the right kind.',
  },
  file_already_exists: { status: 409, what: 'The path exists already.', todo: 'Choose another name.' },
  file_invalid_path: {
    status: 400,
    what: 'The path is not absolute, holds a NUL byte, is too long, or loops through symbolic links.',
    todo: 'Send an absolute path.',
  },
  file_read_only: {
    status: 403,
    what: 'The path lies on a read-only file system.',
    todo: 'Use a path under the workspace, the home folder or /tmp.',
  },
  file_no_space: {
    status: 409,
    what: 'No space or quota is left for the file.',
    todo: 'Delete what is no longer needed.',
  },
  file_decode_error: {
    status: 400,
    what: 'The content is not of the encoding that was asked for.',
    todo: 'Use base64 for content that is not text.',
  },
  file_invalid_pattern: {
    status: 400,
    what: 'The regular expression, glob or file type is not valid, or takes too long.',
    todo: 'Correct the pattern; fixed_strings takes it as plain text.',
  },
  file_invalid_range: {
    status: 416,
    what: 'The range lies outside of the file.',
    todo: 'Ask for a range within the file.',
  },
  file_changed: {
    status: 409,
    what: 'The file changed while it was read.',
    todo: 'Send the request again.',
  },
  file_text_not_found: {
    status: 400,
    what: 'The text to replace does not occur in the file. Nothing was changed.',
    todo: 'View the file and copy the text from it.',
  },
  file_text_not_unique: {
    status: 400,
    what: 'The text to replace occurs more than once in the file. Nothing was changed.',
    todo: 'Include lines around it, or send replace_mode.',
  },
  file_no_history: {
    status: 400,
    what: 'There is no edit of the file to undo.',
    todo: 'View the file for its present content.',
  },
  file_io_error: {
    status: 500,
    what: 'The file system failed.',
    todo: 'Try once more; the message has the reason that the system gave.',
  },
} as const satisfies Record<string, CatalogueEntry>;

/** The code of a failure: stable, for programs. */
export type ErrorCode = keyof typeof catalogue;

/** Every failure by its code. */
export const errorCatalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = catalogue;

/** True for a string that is a code of the catalogue. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(catalogue, value);
}

/** What a failure may carry besides its code and message. */
export interface FaultOptions extends ErrorOptions {
  /** What to do, where the thrower knows better than the catalogue. */
  readonly hint?: string;
  /** Becomes `data` of the answer. */
  readonly data?: unknown;
  /** Becomes response headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure of the catalogue. It is thrown where the fault is found and becomes an answer once, at the border. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: ErrorCode;
  readonly hint: string;
  readonly data: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message?: string, options: FaultOptions = {}) {
    super(message ?? catalogue[code].what, options);
    this.code = code;
    this.hint = options.hint ?? catalogue[code].todo;
    this.data = options.data ?? null;
    this.headers = options.headers ?? {};
  }

  /** The HTTP status that the catalogue gives this failure. */
  get status(): number {
    return catalogue[this.code].status;
  }
}
