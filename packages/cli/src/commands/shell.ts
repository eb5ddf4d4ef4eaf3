import { Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { type GlobalOptions, openReach, type Reach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';
import { attach } from '../terminal/attach.ts';
import { detachKey } from '../terminal/detach-key.ts';
import { exitCodeOf } from '../terminal/exit-code.ts';

export interface ShellOptions extends GlobalOptions {
  readonly id: string;
  /** A session to come back to; a new one when absent. */
  readonly session?: string;
  readonly detachKey: string;
}

/**
 * Opens a shell of a sandbox in this terminal, until it ends or is left, in which case it goes on. Gives the shell's exit
 * code, 0 when it was left.
 */
export async function shell({ id, session, detachKey: keyName, ...options }: ShellOptions): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new CliError('this is no terminal', { hint: `Run a command: paddock exec ${id} -- ls` });
  }
  const key = detachKey(keyName);
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  await Sandbox.connect({ ...reach.connection, id, signal });
  const addressOfSession = (named: string | undefined) => addressOf(reach, id, named);
  const attached = await attach({ addressOf: addressOfSession, session, detachKey: key, signal });
  signal.throwIfAborted();
  const { end } = attached;
  const back = `paddock shell ${id} --session ${attached.session}`;
  switch (end.by) {
    case 'us':
      process.stderr.write(`\nThe session goes on. To come back: ${back}\n`);
      return 0;
    case 'session':
      process.stderr.write(`\n${end.why}\n`);
      return exitCodeOf(end.why);
    case 'refusal':
      throw new CliError(end.why || 'the session was refused', {
        hint: 'Leave --session out for a new one.',
      });
    case 'fault':
      throw new CliError('the connection to the session broke', {
        hint: attached.session === undefined ? 'Try again.' : `To come back: ${back}`,
      });
  }
}

function addressOf({ baseUrl, apiKey }: Reach, id: string, session: string | undefined) {
  const url = new URL(`${baseUrl.replace(/\/+$/, '')}/s/${encodeURIComponent(id)}/v1/shell/ws`);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (session !== undefined) url.searchParams.set('session_id', session);
  const key = apiKey ?? decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return { url, headers: key === '' ? {} : { 'x-api-key': key } };
}
