import * as z from 'zod/mini';
import { field, maybe, nothing, seconds, text } from '../fields.ts';
import { operation } from '../operation.ts';

const id = () => text().check(z.maxLength(256));
const noChangeTimeout = () =>
  maybe(
    seconds(),
    'Seconds without new output after which the answer is `no_change_timeout`; the command goes on.',
  );
const preserveSymlinks = () =>
  maybe(z.boolean(), 'Keep symbolic links in the working directory as written instead of resolving them.');

const shellStatus = z.enum(['running', 'completed', 'no_change_timeout', 'hard_timeout', 'terminated']);
export type ShellStatus = z.output<typeof shellStatus>;

const execRequest = z.object({
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

const execResult = z.object({
  session_id: z.string(),
  command: z.string(),
  status: shellStatus,
  output: field(
    z.string(),
    'What the command printed so far, standard output and error as a terminal shows them.',
  ),
  exit_code: field(z.nullable(z.int()), 'Its exit code once it has ended, else null.'),
});
export type ShellExecResult = z.output<typeof execResult>;

const viewResult = z.object({
  session_id: z.string(),
  output: field(z.string(), 'What the latest command printed so far.'),
  status: shellStatus,
  command: maybe(z.string(), 'The latest command.'),
  exit_code: field(z.nullable(z.int()), 'Its exit code once it has ended, else null.'),
});
export type ShellViewResult = z.output<typeof viewResult>;

const sessionInfo = z.object({
  working_dir: z.string(),
  created_at: z.string(),
  last_used_at: z.string(),
  age_seconds: z.int(),
  status: z.string(),
  current_command: maybe(z.string(), 'The command that runs now.'),
});
export type ShellSessionInfo = z.output<typeof sessionInfo>;

export const shell = {
  exec: operation({
    method: 'POST',
    path: '/v1/shell/exec',
    summary: 'Run a command in a persistent shell session.',
    request: execRequest,
    response: execResult,
    stream: true,
    errors: ['session_busy', 'session_limit', 'session_failed', 'working_dir_not_found'],
  }),
  view: operation({
    method: 'POST',
    path: '/v1/shell/view',
    summary: 'What the latest command of a session has printed.',
    request: z.object({ id: field(id(), 'The session.') }),
    response: viewResult,
    stream: true,
    errors: ['session_not_found'],
  }),
  createSession: operation({
    method: 'POST',
    path: '/v1/shell/sessions/create',
    summary: 'Create a session. An id that exists gives the session that it names.',
    request: z.object({
      id: maybe(id(), 'Its id; one is made up when absent.'),
      exec_dir: maybe(text(), 'Its first working directory, absolute.'),
      no_change_timeout: noChangeTimeout(),
      preserve_symlinks: preserveSymlinks(),
    }),
    response: z.object({ session_id: z.string(), working_dir: z.string() }),
    errors: ['session_limit', 'session_failed', 'working_dir_not_found'],
  }),
  updateSession: operation({
    method: 'POST',
    path: '/v1/shell/sessions/update',
    summary: 'Change the settings of a session.',
    request: z.object({ id: field(id(), 'The session.'), no_change_timeout: noChangeTimeout() }),
    response: nothing,
    errors: ['session_not_found'],
  }),
  sessionStats: operation({
    method: 'GET',
    path: '/v1/shell/sessions/stats',
    summary: 'How many sessions there are, and how many there may be.',
    request: nothing,
    response: z.object({
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
    response: z.object({ sessions: z.record(z.string(), sessionInfo) }),
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
    request: z.object({ session_id: field(id(), 'The session.') }),
    response: nothing,
    errors: ['session_not_found'],
  }),
};
