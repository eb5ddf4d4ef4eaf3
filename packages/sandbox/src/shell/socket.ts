/** One client of a session's terminal. */
import { Fault, type TerminalOutput, terminalInput } from '@paddock/protocol';
import type { RawData, WebSocket } from 'ws';
import type { SessionEntry, ShellSessions } from './sessions.ts';

const pingMs = 30_000;
/** A client that is further behind misses output rather than have the server keep it. */
const behindBytes = 4 * 1024 * 1024;
const policyViolation = 1008;
const normalClosure = 1000;

/** Serves the session of this id, or a new one, until the client or the session ends. */
export function serveTerminal(client: WebSocket, sessions: ShellSessions, id: string | undefined): void {
  const send = (message: TerminalOutput) => client.send(JSON.stringify(message));
  const early: RawData[] = [];
  const keep = (data: RawData) => early.push(data);
  client.on('message', keep);
  // What is wrong with a connection also closes it.
  client.on('error', () => undefined);
  open(sessions, id).then(
    (entry) => {
      if (client.readyState !== client.OPEN) return;
      client.off('message', keep);
      serve(client, entry, send);
      for (const data of early) client.emit('message', data);
    },
    (error: unknown) => {
      const fault = error instanceof Fault ? error : new Fault('session_failed');
      send({ type: 'error', data: fault.message });
      client.close(policyViolation, fault.code);
    },
  );
}

async function open(sessions: ShellSessions, id: string | undefined): Promise<SessionEntry> {
  // One that was never made is refused: somebody who comes back must not find an empty session in silence.
  if (id !== undefined) sessions.find(id);
  return sessions.create(id, {});
}

function serve(client: WebSocket, { session }: SessionEntry, send: (message: TerminalOutput) => void): void {
  send({ type: 'session_id', data: session.id });
  send({ type: 'ready', data: { working_dir: session.workingDir } });
  let isBehind = false;
  const viewing = session.attach({
    output(text) {
      if (client.bufferedAmount > behindBytes) {
        isBehind = true;
        return;
      }
      const missed = isBehind ? '\r\n... [output was left out: the connection is too slow] ...\r\n' : '';
      isBehind = false;
      send({ type: 'output', data: missed + text });
    },
    end(why) {
      send({ type: 'error', data: `The session ${why}.` });
      client.close(normalClosure);
    },
  });
  let isAlive = true;
  const pinging = setInterval(() => {
    if (!isAlive) client.terminate();
    isAlive = false;
    const timestamp = Date.now();
    send({ type: 'ping', timestamp, data: { timestamp } });
  }, pingMs).unref();
  client.on('message', (data: RawData) => {
    isAlive = true;
    const input = parse(data);
    if (input === undefined) send({ type: 'error', data: 'The message is not of the protocol.' });
    else if (input.type === 'input') session.type(input.data);
    else if (input.type === 'resize') {
      const { cols: columns, rows } = 'data' in input ? input.data : input;
      session.resize({ columns, rows });
    }
  });
  client.once('close', () => {
    clearInterval(pinging);
    viewing[Symbol.dispose]();
  });
}

function parse(data: RawData) {
  try {
    return terminalInput.safeParse(JSON.parse(data.toString())).data;
  } catch {
    return undefined; // Not JSON.
  }
}
