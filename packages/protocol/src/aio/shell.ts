import * as z from 'zod/mini';
import { field, maybe, nothing, seconds, text } from '../fields.ts';
import { operation, streamOperation } from '../operation.ts';

const id = () => text().check(z.maxLength(256));
const noChangeTimeout = () =>
  maybe(
    seconds(),
    'Seconds without new output after which the answer is `no_change_timeout`; the command goes on.',
  );
const preserveSymlinks = () =>
  maybe(z.boolean(), 'Keep symbolic links in the working directory as written instead of resolving them.');

const shellStatus = () => z.enum(['running', 'completed', 'no_change_timeout', 'hard_timeout', 'terminated']);
export type ShellStatus = z.output<ReturnType<typeof shellStatus>>;

const execRequest = () =>
  z.object({
    id: maybe(
      id(),
      'The session to run in, created when there is none. Without it the server picks an idle one.',
    ),
    exec_dir: maybe(text(), 'Working directory for this command, absolute; the session stays in it.'),
    command: field(text(), 'What to run, in bash.'),
    async_mode: maybe(z.boolean(), 'Answer at once with status `running`.'),
    timeout: maybe(seconds(), 'Seconds to wait before the answer is `running`; the command goes on.'),
    strict: maybe(z.boolean(), 'Fail when exec_dir does not exist instead of staying where the session is.'),
    no_change_timeout: noChangeTimeout(),
    hard_timeout: maybe(seconds(), 'Seconds after which the command is killed.'),
    preserve_symlinks: preserveSymlinks(),
    truncate: maybe(z.boolean(), 'Cut output beyond 30,000 characters in its middle. On unless false.'),
  });

const execResult = () =>
  z.object({
    session_id: z.string(),
    command: z.string(),
    status: shellStatus(),
    output: field(
      z.string(),
      'What the command printed so far, standard output and error as a terminal shows them.',
    ),
    exit_code: field(z.nullable(z.int()), 'Its exit code once it has ended, else null.'),
  });
export type ShellExecResult = z.output<ReturnType<typeof execResult>>;

const viewResult = () =>
  z.object({
    session_id: z.string(),
    output: field(z.string(), 'What the latest command printed so far.'),
    status: shellStatus(),
    command: maybe(z.string(), 'The latest command.'),
    exit_code: field(z.nullable(z.int()), 'Its exit code once it has ended, else null.'),
  });
export type ShellViewResult = z.output<ReturnType<typeof viewResult>>;

const sessionInfo = () =>
  z.object({
    working_dir: z.string(),
    created_at: z.string(),
    last_used_at: z.string(),
    age_seconds: z.int(),
    status: z.string(),
    current_command: maybe(z.string(), 'The command that runs now.'),
  });
export type ShellSessionInfo = z.output<ReturnType<typeof sessionInfo>>;

export const shell = {
  exec: streamOperation({
    method: 'POST',
    path: '/v1/shell/exec',
    summary: 'Run a command in a persistent shell session.',
    request: execRequest,
    response: execResult,
    errors: ['session_busy', 'session_limit', 'session_failed', 'working_dir_not_found'],
  }),
  view: streamOperation({
    method: 'POST',
    path: '/v1/shell/view',
    summary: 'What the latest command of a session has printed.',
    request: () => z.object({ id: field(id(), 'The session.') }),
    response: viewResult,
    errors: ['session_not_found'],
  }),
  wait: operation({
    method: 'POST',
    path: '/v1/shell/wait',
    summary: 'Wait until the latest command of a session has ended.',
    request: () =>
      z.object({
        id: field(id(), 'The session.'),
        seconds: maybe(seconds(), 'Seconds to wait at most; then the answer is `running`. 120 when absent.'),
        max_wait_seconds: maybe(seconds(), 'The same, under the name that later clients use.'),
      }),
    response: () => z.object({ status: shellStatus() }),
    errors: ['session_not_found'],
  }),
  write: operation({
    method: 'POST',
    path: '/v1/shell/write',
    summary: 'Type into the terminal of a session, for the command that runs in it.',
    request: () =>
      z.object({
        id: field(id(), 'The session.'),
        input: field(
          z.string(),
          'What to type. Control characters are keys: \\u0003 is Ctrl-C, \\u0004 Ctrl-D, \\u001b[A the up arrow.',
        ),
        press_enter: maybe(z.boolean(), 'Press Enter after it.'),
      }),
    response: () => z.object({ status: shellStatus() }),
    errors: ['session_not_found', 'no_running_command', 'input_full'],
  }),
  kill: operation({
    method: 'POST',
    path: '/v1/shell/kill',
    summary: 'Stop the command that runs in a session. The session stays.',
    request: () => z.object({ id: field(id(), 'The session.') }),
    response: () =>
      z.object({
        status: shellStatus(),
        exit_code: field(
          z.nullable(z.int()),
          'The exit code of a command that had ended by itself, else null.',
        ),
        returncode: field(z.int(), 'The exit code, or 137 for a command that was stopped.'),
      }),
    errors: ['session_not_found'],
  }),
  createSession: operation({
    method: 'POST',
    path: '/v1/shell/sessions/create',
    summary: 'Create a session. An id that exists gives the session that it names.',
    request: () =>
      z.object({
        id: maybe(id(), 'Its id; one is made up when absent.'),
        exec_dir: maybe(text(), 'Its first working directory, absolute.'),
        no_change_timeout: noChangeTimeout(),
        preserve_symlinks: preserveSymlinks(),
      }),
    response: () => z.object({ session_id: z.string(), working_dir: z.string() }),
    errors: ['session_limit', 'session_failed', 'working_dir_not_found'],
  }),
  updateSession: operation({
    method: 'POST',
    path: '/v1/shell/sessions/update',
    summary: 'Change the settings of a session.',
    request: () => z.object({ id: field(id(), 'The session.'), no_change_timeout: noChangeTimeout() }),
    response: nothing,
    errors: ['session_not_found'],
  }),
  sessionStats: operation({
    method: 'GET',
    path: '/v1/shell/sessions/stats',
    summary: 'How many sessions there are, and how many there may be.',
    request: nothing,
    response: () =>
      z.object({
        total_sessions: z.int(),
        active_sessions: z.int(),
        idle_sessions: z.int(),
        max_sessions: z.int(),
        session_timeout: z.int(),
        usage_ratio: z.number(),
      }),
  }),
  listSessions: operation({
    method: 'GET',
    path: '/v1/shell/sessions',
    summary: 'The live sessions by id.',
    request: nothing,
    response: () => z.object({ sessions: z.record(z.string(), sessionInfo()) }),
  }),
  deleteSessions: operation({
    method: 'DELETE',
    path: '/v1/shell/sessions',
    summary: 'End every session and all that runs in them.',
    request: nothing,
    response: nothing,
  }),
  deleteSession: operation({
    method: 'DELETE',
    path: '/v1/shell/sessions/{session_id}',
    summary: 'End a session and all that runs in it.',
    request: () => z.object({ session_id: field(id(), 'The session.') }),
    response: nothing,
    errors: ['session_not_found'],
  }),
};

const size = z.object({
  cols: z.int().check(z.gte(1), z.lte(4096)),
  rows: z.int().check(z.gte(1), z.lte(4096)),
});

/** What a client of the WebSocket /v1/shell/ws sends. A size may stand beside the type or under `data`. */
export const terminalInput = z.union([
  z.object({ type: z.literal('input'), data: z.string() }),
  z.object({ type: z.literal('resize'), data: size }),
  z.extend(size, { type: z.literal('resize') }),
  z.object({ type: z.literal('pong') }),
]);

/** What the server of /v1/shell/ws sends: first `session_id` and `ready`, then what the terminal shows. */
export type TerminalOutput =
  | { readonly type: 'session_id'; readonly data: string }
  | { readonly type: 'ready'; readonly data: { readonly working_dir: string } }
  | { readonly type: 'output'; readonly data: string }
  | { readonly type: 'error'; readonly data: string }
  | { readonly type: 'ping'; readonly timestamp: number; readonly data: { readonly timestamp: number } };
