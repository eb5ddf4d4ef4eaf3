import { Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { type GlobalOptions, type Reach, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';
import { detachKey } from '../terminal/detach-key.ts';
import { Link } from '../terminal/link.ts';
import { Screen } from '../terminal/screen.ts';

export interface ShellOptions extends GlobalOptions {
  readonly id: string;
  /** A session to come back to; a new one when absent. */
  readonly session?: string;
  readonly detachKey: string;
}

/** Opens a shell of a sandbox in this terminal, until it ends or is left, in which case it goes on. */
export async function shell({ id, session, detachKey: keyName, ...options }: ShellOptions): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new CliError('this is no terminal', { hint: `Run a command: paddock exec ${id} -- ls` });
  }
  const key = detachKey(keyName);
  using ending = abortOnEnding();
  const reach = reachOf(options);
  const { baseUrl, apiKey, retries } = reach;
  await Sandbox.connect({ baseUrl, apiKey, retries, id, signal: ending.signal });

  const { url, headers } = addressOf(reach, id, session);
  using open = new DisposableStack();
  let sessionId = session ?? '';
  const link = new Link(url, headers, {
    ready(named) {
      sessionId = named;
      open.use(
        new Screen({
          typed(text) {
            const at = key === undefined ? -1 : text.indexOf(key);
            link.type(at < 0 ? text : text.slice(0, at));
            if (at >= 0) link[Symbol.dispose]();
          },
          resized: (columns, rows) => link.resize(columns, rows),
        }),
      );
    },
    output: (text) => process.stdout.write(text),
  });
  open.use(link);
  ending.signal.addEventListener('abort', () => link[Symbol.dispose]());
  const end = await link.ended;
  open.dispose();
  ending.signal.throwIfAborted();
  const back = `paddock shell ${id} --session ${sessionId}`;
  switch (end.by) {
    case 'us':
      process.stderr.write(`\nThe session goes on. To come back: ${back}\n`);
      return;
    case 'session':
      process.stderr.write(`\n${end.why}\n`);
      return;
    case 'refusal':
      throw new CliError(end.why || 'the session was refused', {
        hint: 'Leave --session out for a new one.',
      });
    case 'fault':
      throw new CliError('the connection to the session broke', {
        hint: sessionId === '' ? 'Try again.' : `To come back: ${back}`,
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
