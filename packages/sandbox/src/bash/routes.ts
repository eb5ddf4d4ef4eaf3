import { type Handlers, reply } from '@paddock/http';
import { type aio, Fault } from '@paddock/protocol';
import { textOf } from '../output/text.ts';
import { timerMs } from '../timer.ts';
import type { BashCommand } from './command.ts';
import type { BashSession } from './session.ts';
import type { BashSessions } from './sessions.ts';

const defaultLimitCharacters = 50_000;
const defaultWaitMs = 30_000;
/** What may wait to be read by a command. */
const inputLimitBytes = 1024 * 1024;

/** Binds the bash sessions to the API. */
export function bashRoutes(sessions: BashSessions): Handlers<typeof aio.bash> {
  return {
    async exec(request, { signal }) {
      const { hard_timeout, max_output_length, async_mode } = request;
      const { session, command } = await sessions.start(request.session_id ?? undefined, {
        text: request.command,
        dir: request.exec_dir || undefined,
        env: request.env ?? undefined,
        hardTimeoutMs: timerMs(hard_timeout),
        takesInput: async_mode || undefined,
      });
      if (!async_mode) await waitFor(command, hasEnded, timerMs(request.timeout), signal);

      const live = command.status === 'running';
      const limit = max_output_length ?? defaultLimitCharacters;
      const limitCharacters = limit === 0 ? undefined : limit;
      const stdout = textOf(command.stdout, { limitCharacters, live });
      const stderr = textOf(command.stderr, { limitCharacters, live });
      return {
        session_id: session.id,
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

    async output({ session_id, command_id, offset, stderr_offset, wait, wait_timeout }, { signal }) {
      const session = sessions.find(session_id);
      const command = command_id ? named(session, command_id) : session.latest;
      if (command === undefined) {
        return { session_id, stdout: '', stderr: '', offset: 0, stderr_offset: 0, command: null };
      }
      const read = () => {
        const live = command.status === 'running';
        return {
          stdout: textOf(command.stdout, { from: offset ?? 0, live }),
          stderr: textOf(command.stderr, { from: stderr_offset ?? 0, live }),
        };
      };
      if (wait) {
        const isNews = () => hasEnded(command) || Object.values(read()).some(({ text }) => text !== '');
        await waitFor(command, isNews, timerMs(wait_timeout) ?? defaultWaitMs, signal);
      }
      const { stdout, stderr } = read();
      return {
        session_id,
        stdout: stdout.text,
        stderr: stderr.text,
        offset: stdout.next,
        stderr_offset: stderr.next,
        command: {
          command_id: command.id,
          command: command.text,
          status: command.status,
          exit_code: command.exitCode,
        },
      };
    },

    write({ session_id, command_id, input, encoding, end }) {
      const session = sessions.find(session_id);
      const command = command_id ? named(session, command_id) : session.running.at(-1);
      if (command === undefined || hasEnded(command)) throw new Fault('no_running_command');
      const bytes = Buffer.from(input, encoding ?? 'utf-8');
      if (command.waitingInputBytes + bytes.length > inputLimitBytes) throw new Fault('input_full');
      if (!command.write(bytes)) throw new Fault('input_closed');
      if (end) command.endInput();
      return {};
    },

    async kill({ session_id, signal }) {
      const { running } = sessions.find(session_id);
      if (running.length === 0) return reply({}, { message: 'No command runs in the session' });
      await Promise.all(running.map((command) => command.kill(signal ?? 'SIGTERM')));
      return {};
    },

    sessions() {
      return Array.from(sessions.sessions, info);
    },

    createSession({ session_id, exec_dir, snapshot_path }) {
      const settings = { dir: exec_dir || undefined, snapshotPath: snapshot_path || undefined };
      return info(sessions.create(session_id || undefined, settings));
    },

    async closeSession({ session_id }) {
      await sessions.close(session_id);
      return {};
    },
  };
}

function named(session: BashSession, id: string): BashCommand {
  const command = session.commands.get(id);
  if (command === undefined) throw new Fault('command_not_found');
  return command;
}

function info(session: BashSession) {
  const running = session.running.at(-1);
  return {
    session_id: session.id,
    status: 'ready' as const,
    working_dir: session.dir,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    current_command: running?.text ?? null,
    command_count: session.commandCount,
  };
}

function hasEnded({ status }: BashCommand): boolean {
  return status !== 'running';
}

/** Resolves when it is so, the time is up, or the caller has gone. The command is left alone. */
function waitFor(
  command: BashCommand,
  isSo: (command: BashCommand) => boolean,
  timeoutMs: number | undefined,
  gone: AbortSignal,
): Promise<void> {
  if (gone.aborted || isSo(command)) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      gone.removeEventListener('abort', finish);
      listening[Symbol.dispose]();
      resolve();
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(finish, timeoutMs);
    gone.addEventListener('abort', finish);
    const listening = command.onChange(() => {
      if (isSo(command)) finish();
    });
  });
}
