import type { Handlers } from '@paddock/http';
import type { aio } from '@paddock/protocol';
import { textOf } from '../output/text.ts';
import type { BashCommand } from './command.ts';
import type { BashSessions } from './sessions.ts';

const defaultLimitCharacters = 50_000;

/** Binds the bash sessions to the API. */
export function bashRoutes(sessions: BashSessions): Handlers<typeof aio.bash> {
  return {
    async exec(request, { signal }) {
      const { hard_timeout, max_output_length } = request;
      const { sessionId, command } = await sessions.start(request.session_id ?? undefined, {
        text: request.command,
        dir: request.exec_dir || undefined,
        env: request.env ?? undefined,
        hardTimeoutMs: milliseconds(hard_timeout),
      });
      if (!request.async_mode) await waitFor(command, milliseconds(request.timeout), signal);

      const live = command.status === 'running';
      const limit = max_output_length ?? defaultLimitCharacters;
      const limitCharacters = limit === 0 ? undefined : limit;
      const stdout = textOf(command.stdout, { limitCharacters, live });
      const stderr = textOf(command.stderr, { limitCharacters, live });
      return {
        session_id: sessionId,
        command_id: command.id,
        command: command.text,
        status: command.status,
        stdout: stdout.text,
        stderr: stderr.text,
        exit_code: command.exitCode,
        offset: stdout.next,
        stderr_offset: stderr.next,
      };
    },
  };
}

/** Resolves when the command has ended, the time is up, or the caller has gone. The command is left alone. */
function waitFor(command: BashCommand, timeoutMs: number | undefined, gone: AbortSignal): Promise<void> {
  if (gone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      gone.removeEventListener('abort', finish);
      resolve();
    };
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(finish, Math.min(timeoutMs, longestTimerMs));
    gone.addEventListener('abort', finish);
    void command.ended.then(finish);
  });
}

/** setTimeout turns a longer delay into none. */
const longestTimerMs = 2 ** 31 - 1;

function milliseconds(seconds: number | null | undefined): number | undefined {
  return seconds === null || seconds === undefined ? undefined : seconds * 1000;
}
