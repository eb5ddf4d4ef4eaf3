import * as z from 'zod/mini';
import { count, field, maybe, nothing, seconds, text } from '../fields.ts';
import { operation } from '../operation.ts';

const id = () => text().check(z.maxLength(256));

const bashStatus = () => z.enum(['pending', 'running', 'completed', 'timed_out', 'killed']);
export type BashStatus = z.output<ReturnType<typeof bashStatus>>;

const execResult = () =>
  z.object({
    session_id: z.string(),
    command_id: field(z.string(), 'The command. Its processes have it in PADDOCK_COMMAND_ID.'),
    command: z.string(),
    status: bashStatus(),
    stdout: field(z.string(), 'Standard output so far.'),
    stderr: field(z.string(), 'Standard error so far.'),
    exit_code: field(z.nullable(z.int()), 'The exit code once it has ended, else null.'),
    offset: field(z.int(), 'Bytes of standard output so far.'),
    stderr_offset: field(z.int(), 'Bytes of standard error so far.'),
  });
export type BashExecResult = z.output<ReturnType<typeof execResult>>;

const outputResult = () =>
  z.object({
    session_id: z.string(),
    stdout: field(z.string(), 'Standard output from `offset` on.'),
    stderr: field(z.string(), 'Standard error from `stderr_offset` on.'),
    offset: field(z.int(), 'Where to read standard output on.'),
    stderr_offset: field(z.int(), 'Where to read standard error on.'),
    command: z.nullable(
      z.object({
        command_id: z.string(),
        command: z.string(),
        status: bashStatus(),
        exit_code: field(z.nullable(z.int()), 'The exit code once it has ended, else null.'),
      }),
    ),
  });

const sessionInfo = () =>
  z.object({
    session_id: z.string(),
    status: z.enum(['ready', 'closed']),
    working_dir: field(z.string(), 'Where the next command starts.'),
    created_at: z.string(),
    last_used_at: z.string(),
    current_command: maybe(z.string(), 'The command that runs now.'),
    command_count: field(z.int(), 'Commands that were started in it.'),
  });

export const bash = {
  exec: operation({
    method: 'POST',
    path: '/v1/bash/exec',
    summary: 'Run a command in a fresh process, with standard output and error apart.',
    request: () =>
      z.object({
        session_id: maybe(id(), 'Keeps exec_dir between calls. One is made when absent.'),
        command: field(text(), 'What to run, in bash.'),
        exec_dir: maybe(text(), 'Working directory, absolute. Holds for later calls of the session too.'),
        env: maybe(
          z.record(text().check(z.regex(/^[^=]+$/, 'must not be empty or contain "="')), text()),
          'Variables for this command only.',
        ),
        async_mode: maybe(
          z.boolean(),
          'Answer at once with status `running`. The command then has an input that can be written to.',
        ),
        timeout: maybe(seconds(), 'Seconds to wait before the answer is `running`; the command goes on.'),
        hard_timeout: maybe(seconds(), 'Seconds after which the command is killed: `timed_out`.'),
        max_output_length: maybe(
          count(),
          'Characters of each output in the answer; 0 for all. 50,000 when absent.',
        ),
      }),
    response: execResult,
    errors: ['session_limit', 'session_closed', 'session_failed', 'working_dir_not_found'],
  }),
  output: operation({
    method: 'POST',
    path: '/v1/bash/output',
    summary: 'What a command has printed since the offsets of an earlier answer.',
    request: () =>
      z.object({
        session_id: field(id(), 'The session.'),
        command_id: maybe(id(), 'The command; the latest of the session when absent.'),
        offset: maybe(count(), 'Bytes of standard output that the caller has already.'),
        stderr_offset: maybe(count(), 'Bytes of standard error that the caller has already.'),
        wait: maybe(z.boolean(), 'Wait until there is something new, or the command has ended.'),
        wait_timeout: maybe(seconds(), 'Seconds to wait at most. 30 when absent.'),
      }),
    response: outputResult,
    errors: ['session_not_found', 'command_not_found'],
  }),
  write: operation({
    method: 'POST',
    path: '/v1/bash/write',
    summary: 'Write to the standard input of a running command.',
    request: () =>
      z.object({
        session_id: field(id(), 'The session.'),
        command_id: maybe(id(), 'The command; the latest that runs when absent.'),
        input: field(z.string(), 'What to write, as it is: a line needs its line end.'),
        encoding: maybe(z.enum(['utf-8', 'base64']), 'What input is written in; utf-8 when absent.'),
        end: maybe(
          z.boolean(),
          'The command reads the end of its input behind this: nothing more can be written.',
        ),
      }),
    response: nothing,
    errors: ['session_not_found', 'command_not_found', 'no_running_command', 'input_closed', 'input_full'],
  }),
  kill: operation({
    method: 'POST',
    path: '/v1/bash/kill',
    summary: 'Signal the running commands of a session and all that they started.',
    request: () =>
      z.object({
        session_id: field(id(), 'The session.'),
        signal: maybe(
          z.enum(['SIGTERM', 'SIGKILL', 'SIGINT']),
          'SIGTERM when absent: what has not ended 5 seconds later is killed.',
        ),
      }),
    response: nothing,
    errors: ['session_not_found'],
  }),
  sessions: operation({
    method: 'GET',
    path: '/v1/bash/sessions',
    summary: 'The open sessions.',
    request: nothing,
    response: () => z.array(sessionInfo()),
  }),
  createSession: operation({
    method: 'POST',
    path: '/v1/bash/sessions/create',
    summary:
      'Make a session whose commands can be written to. An id that exists gives the session that it names.',
    request: () =>
      z.object({
        session_id: maybe(id(), 'Its id; one is made up when absent.'),
        exec_dir: maybe(text(), 'Where its commands start, absolute.'),
        snapshot_path: maybe(text(), 'A script that each command of the session sources first.'),
      }),
    response: sessionInfo,
    errors: ['session_closed', 'working_dir_not_found', 'file_not_found'],
  }),
  closeSession: operation({
    method: 'POST',
    path: '/v1/bash/sessions/{session_id}/close',
    summary: 'End a session, its commands and all that they started.',
    request: () => z.object({ session_id: field(id(), 'The session.') }),
    response: nothing,
    errors: ['session_not_found'],
  }),
};
