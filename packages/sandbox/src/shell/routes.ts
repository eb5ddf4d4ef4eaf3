import { type Handlers, reply, type ServerEvent, stream } from '@paddock/http';
import {
  type aio,
  Fault,
  type ShellExecResult,
  type ShellStatus,
  type ShellViewResult,
} from '@paddock/protocol';
import { timerMs } from '../timer.ts';
import type { Execution } from './execution.ts';
import { type Patience, type WaitEnd, waitForEnd } from './patience.ts';
import {
  defaultNoChangeTimeoutMs,
  type EndedSession,
  type SessionEntry,
  type ShellSessions,
} from './sessions.ts';

const limitCharacters = 30_000;
/** A session counts as active for so long after its last use. */
const activeMs = 5 * 60_000;
const defaultWaitMs = 120_000;
/** What may wait to be read by a command. */
const inputLimitBytes = 1024 * 1024;
/** Of a terminal in canonical mode, its line end aside. */
const longestLineBytes = 4095;
const stoppedExitCode = 137;
const eventStream = 'text/event-stream';

/** Binds the shell sessions to the API. */
export function shellRoutes(sessions: ShellSessions): Handlers<typeof aio.shell> {
  return {
    async exec(request, { signal, accepts }) {
      const queueTimeoutMs = timerMs(request.timeout);
      const { entry, execution } = await sessions.start(
        request.id ?? undefined,
        {
          text: request.command,
          dir: request.exec_dir || undefined,
          strict: request.strict ?? undefined,
          preserveSymlinks: request.preserve_symlinks ?? undefined,
          hardTimeoutMs: timerMs(request.hard_timeout),
        },
        { preserveSymlinks: request.preserve_symlinks ?? undefined },
        { queueTimeoutMs, signal },
      );
      const limit = request.truncate === false ? undefined : limitCharacters;
      const patience: Patience = {
        timeoutMs: request.async_mode ? 0 : queueTimeoutMs,
        noChangeTimeoutMs: timerMs(request.no_change_timeout) ?? entry.noChangeTimeoutMs,
        signal,
      };
      const waited = request.async_mode
        ? Promise.resolve<WaitEnd>('timeout')
        : waitForEnd(execution, patience);
      const result = (end: WaitEnd) => execResult(entry.session.id, execution, end, limit);
      if (accepts(eventStream)) return stream(events(execution, waited, result));
      const data = result(await waited);
      return reply(data, { hint: execution.hints.join(' ') || undefined });
    },

    view({ id }, { signal, accepts }) {
      const found = sessions.find(id);
      const latest = latestOf(found);
      const result = () => viewResult(id, latest);
      if (accepts(eventStream) && latest !== undefined) {
        return stream(events(latest, waitForEnd(latest, { signal }), result));
      }
      const hint = 'session' in found ? undefined : `The session ${found.why}.`;
      return reply(result(), { hint });
    },

    async wait({ id, seconds, max_wait_seconds }, { signal }) {
      const latest = latestOf(sessions.find(id));
      const timeoutMs = timerMs(seconds ?? max_wait_seconds) ?? defaultWaitMs;
      if (latest !== undefined) await waitForEnd(latest, { timeoutMs, signal });
      return { status: statusOf(latest) };
    },

    write({ id, input, press_enter }) {
      const found = sessions.find(id);
      const latest = latestOf(found);
      if (!('session' in found) || latest?.progress.at !== 'running') throw new Fault('no_running_command');
      const typed = press_enter ? `${input}\r` : input;
      if (found.session.waitingInputBytes + Buffer.byteLength(typed) > inputLimitBytes) {
        throw new Fault('input_full');
      }
      found.session.type(typed);
      return reply({ status: statusOf(latest) }, { hint: longLineHint(input) });
    },

    async kill({ id }) {
      const found = sessions.find(id);
      const latest = latestOf(found);
      if ('session' in found) await found.session.stop('terminated');
      const exitCode = latest?.outcome?.exitCode ?? null;
      const returncode = exitCode ?? (latest === undefined ? 0 : stoppedExitCode);
      return { status: statusOf(latest), exit_code: exitCode, returncode };
    },

    async createSession(request) {
      const entry = await sessions.create(request.id ?? undefined, {
        dir: request.exec_dir || undefined,
        noChangeTimeoutMs: timerMs(request.no_change_timeout),
        preserveSymlinks: request.preserve_symlinks ?? undefined,
      });
      return { session_id: entry.session.id, working_dir: entry.session.workingDir };
    },

    updateSession({ id, no_change_timeout }) {
      const found = sessions.find(id);
      if ('session' in found) {
        found.noChangeTimeoutMs = timerMs(no_change_timeout) ?? defaultNoChangeTimeoutMs;
      }
      return {};
    },

    sessionStats() {
      const entries = Array.from(sessions.entries);
      const usedSince = Date.now() - activeMs;
      const active = entries.filter(({ session }) => session.lastUsedAt.getTime() >= usedSince).length;
      return {
        total_sessions: entries.length,
        active_sessions: active,
        idle_sessions: entries.length - active,
        max_sessions: sessions.maxSessions,
        session_timeout: Math.round(sessions.sessionTimeoutMs / 1000),
        usage_ratio: entries.length / sessions.maxSessions,
      };
    },

    listSessions() {
      return {
        sessions: Object.fromEntries(
          Array.from(sessions.entries, (entry) => [entry.session.id, info(entry)]),
        ),
      };
    },

    async deleteSessions() {
      await sessions.deleteAll();
      return {};
    },

    async deleteSession({ session_id }) {
      await sessions.delete(session_id);
      return {};
    },
  };
}

/** What is printed, as it comes, and at last the result as it would be without a stream. */
async function* events(
  execution: Execution,
  waited: Promise<WaitEnd>,
  result: (end: WaitEnd) => ShellExecResult | ShellViewResult,
): AsyncGenerator<ServerEvent> {
  let end: WaitEnd | undefined;
  let wake: () => void = () => undefined;
  void waited.then((how) => {
    end = how;
    wake();
  });
  using _listening = execution.onChange(() => wake());
  for (let from = 0; ; ) {
    const over = end;
    const seen = execution.printed;
    const { text, next } = execution.text({ from });
    from = next;
    if (text !== '') yield { event: 'output', data: { output: text } };
    if (over !== undefined) {
      const hint = execution.hints.join(' ');
      yield { event: 'result', data: hint === '' ? result(over) : { ...result(over), hint } };
      return;
    }
    if (end === undefined && execution.printed === seen) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

function execResult(
  id: string,
  execution: Execution,
  end: WaitEnd,
  limit: number | undefined,
): ShellExecResult {
  const { outcome } = execution;
  return {
    session_id: id,
    command: execution.command.text,
    status: outcome?.status ?? (end === 'no_change' ? 'no_change_timeout' : 'running'),
    output: execution.text({ limitCharacters: limit }).text,
    exit_code: outcome?.exitCode ?? null,
  };
}

function viewResult(id: string, execution: Execution | undefined): ShellViewResult {
  if (execution === undefined) return { session_id: id, output: '', status: 'completed', exit_code: null };
  return execResult(id, execution, 'timeout', limitCharacters);
}

function latestOf(found: SessionEntry | EndedSession): Execution | undefined {
  return 'session' in found ? found.session.latest : found.latest;
}

function statusOf(execution: Execution | undefined): ShellStatus {
  if (execution === undefined) return 'completed';
  return execution.outcome?.status ?? (execution.progress.at === 'dropped' ? 'terminated' : 'running');
}

/** The terminal hands programs that read lines no more than this of each. */
function longLineHint(input: string): string | undefined {
  const isLong = input.split(/[\r\n]/).some((line) => Buffer.byteLength(line) > longestLineBytes);
  return isLong
    ? `A terminal passes at most ${longestLineBytes} bytes of a line to a program that reads lines.`
    : undefined;
}

function info({ session }: SessionEntry) {
  const running = session.standing === 'running' ? session.latest : undefined;
  return {
    working_dir: session.workingDir,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    age_seconds: Math.floor((Date.now() - session.createdAt.getTime()) / 1000),
    status: running === undefined ? 'idle' : 'running',
    ...(running === undefined ? {} : { current_command: running.command.text }),
  };
}
