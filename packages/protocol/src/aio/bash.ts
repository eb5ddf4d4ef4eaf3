import * as z from 'zod/mini';
import { count, field, maybe, seconds, text } from '../fields.ts';
import { operation } from '../operation.ts';

const bashStatus = z.enum(['pending', 'running', 'completed', 'timed_out', 'killed']);
export type BashStatus = z.output<typeof bashStatus>;

const execResult = z.object({
  session_id: z.string(),
  command_id: z.string(),
  command: z.string(),
  status: bashStatus,
  stdout: field(z.string(), 'Standard output so far.'),
  stderr: field(z.string(), 'Standard error so far.'),
  exit_code: field(z.nullable(z.int()), 'The exit code once it has ended, else null.'),
  offset: field(z.int(), 'Bytes of standard output so far.'),
  stderr_offset: field(z.int(), 'Bytes of standard error so far.'),
});
export type BashExecResult = z.output<typeof execResult>;

export const bash = {
  exec: operation({
    method: 'POST',
    path: '/v1/bash/exec',
    summary: 'Run a command in a fresh process, with standard output and error apart.',
    request: z.object({
      session_id: maybe(
        text().check(z.maxLength(256)),
        'Keeps exec_dir between calls. One is made when absent.',
      ),
      command: field(text(), 'What to run, in bash.'),
      exec_dir: maybe(text(), 'Working directory, absolute. Holds for later calls of the session too.'),
      env: maybe(
        z.record(text().check(z.regex(/^[^=]+$/, 'must not be empty or contain "="')), text()),
        'Variables for this command only.',
      ),
      async_mode: maybe(z.boolean(), 'Answer at once with status `running`.'),
      timeout: maybe(seconds(), 'Seconds to wait before the answer is `running`; the command goes on.'),
      hard_timeout: maybe(seconds(), 'Seconds after which the command is killed: `timed_out`.'),
      max_output_length: maybe(
        count(),
        'Characters of each output in the answer; 0 for all. 50,000 when absent.',
      ),
    }),
    response: execResult,
    errors: ['session_limit', 'session_failed', 'working_dir_not_found'],
  }),
};
