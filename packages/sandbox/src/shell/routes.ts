import { type Handlers, reply, type ServerEvent, stream } from '@paddock/http';
import type { aio, ShellExecResult, ShellViewResult } from '@paddock/protocol';
import type { Execution } from './execution.ts';
import { type Patience, type WaitEnd, waitForEnd } from './patience.ts';
import { defaultNoChangeTimeoutMs, type SessionEntry, type ShellSessions } from './sessions.ts';

const limitCharacters = 30_000;
/** A session counts as active for so long after its last use. */
const activeMs = 5 * 60_000;
const eventStream = 'text/event-stream';

/** Binds the shell sessions to the API. */
export function shellRoutes(sessions: ShellSessions): Handlers<typeof aio.shell> {
  return {
    async exec(request, { signal, accepts }) {
      const queueTimeoutMs = milliseconds(request.timeout);
      const { entry, execution } = await sessions.start(
        request.id ?? undefined,
        {
          text: request.command,
          dir: request.exec_dir || undefined,
          strict: request.strict ?? undefined,
          preserveSymlinks: request.preserve_symlinks ?? undefined,
          hardTimeoutMs: milliseconds(request.hard_timeout),
        },
        { preserveSymlinks: request.preserve_symlinks ?? undefined },
        { queueTimeoutMs, signal },
      );
      const limit = request.truncate === false ? undefined : limitCharacters;
      const patience: Patience = {
        timeoutMs: request.async_mode ? 0 : queueTimeoutMs,
        noChangeTimeoutMs: milliseconds(request.no_change_timeout) ?? entry.noChangeTimeoutMs,
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
      const latest = 'session' in found ? found.session.latest : found.latest;
      const result = () => viewResult(id, latest);
      if (accepts(eventStream) && latest !== undefined) {
        return stream(events(latest, waitForEnd(latest, { signal }), result));
      }
      const hint = 'session' in found ? undefined : `The session ${found.why}.`;
      return reply(result(), { hint });
    },

    async createSession(request) {
      const entry = await sessions.create(request.id ?? undefined, {
        dir: request.exec_dir || undefined,
        noChangeTimeoutMs: milliseconds(request.no_change_timeout),
        preserveSymlinks: request.preserve_symlinks ?? undefined,
      });
      return { session_id: entry.session.id, working_dir: entry.session.workingDir };
    },

    updateSession({ id, no_change_timeout }) {
      const found = sessions.find(id);
      if ('session' in found) {
        found.noChangeTimeoutMs = milliseconds(no_change_timeout) ?? defaultNoChangeTimeoutMs;
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

function milliseconds(seconds: number | null | undefined): number | undefined {
  return seconds === null || seconds === undefined ? undefined : seconds * 1000;
}
