import { randomUUID } from 'node:crypto';
import type { Sandbox } from '@paddock/client';
import type { BashStatus } from '@paddock/protocol';
import { Interrupted } from '../failure.ts';
import { ClosedPipe, print, printError } from '../output.ts';
import { quote } from '../quote.ts';
import { follow } from './follow.ts';

/** What a shell tells of a command that wrote to a reader which had left. */
const brokenPipe = 141;

interface ExecuteOptions {
  readonly json: boolean;
  readonly signal: AbortSignal;
  /** The sandbox is released afterwards, so that there is nothing to put away in it. */
  readonly endsWithIt?: boolean;
}

/**
 * Runs a command in a sandbox and prints what it writes while it writes it, all of it; with `json` at the end, as JSON. Gives
 * its exit code. An interrupt, and a reader of the output that leaves, end the command and all that it started.
 *
 * A sandbox keeps the beginning and the end of long output only. So the command writes to files, which are read as they grow.
 */
export async function execute(
  sandbox: Sandbox,
  id: string,
  args: readonly string[],
  { json, signal, endsWithIt = false }: ExecuteOptions,
): Promise<number> {
  const base = `/tmp/.paddock-${randomUUID()}`;
  const [out, err] = [`${base}.out`, `${base}.err`];
  const command = `( ${quote(args)} ) >${out} 2>${err} </dev/null`;
  const started = await sandbox.bash.exec({ command, async_mode: true }, { signal });
  const { session_id, command_id } = started;
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  try {
    const told = { out: '', err: '' };
    const keep = (name: 'out' | 'err') => async (text: string) => {
      told[name] += text;
    };
    const ended = end(sandbox, { session_id, command_id }, stop);
    const over = ended.then(
      () => {},
      () => {},
    );
    const take = json ? { out: keep('out'), err: keep('err') } : { out: print, err: printError };
    const outputs = [follow(sandbox, out, take.out, over, stop), follow(sandbox, err, take.err, over, stop)];
    for (const output of outputs) output.catch((reason: unknown) => left.abort(reason));
    const [{ status, exit_code }] = await Promise.all([ended, ...outputs]);
    if (json) {
      const { out: stdout, err: stderr } = told;
      await print(`${JSON.stringify({ sandbox_id: id, status, exit_code, stdout, stderr })}\n`);
    }
    return exit_code ?? (status === 'killed' ? 137 : 1);
  } catch (error) {
    if (!(error instanceof Interrupted || error instanceof ClosedPipe)) throw error;
    if (!endsWithIt) await sandbox.bash.closeSession({ session_id });
    if (error instanceof ClosedPipe) return brokenPipe;
    throw error;
  } finally {
    if (!endsWithIt) await sandbox.bash.exec({ command: `rm -f ${out} ${err}` });
  }
}

interface Ended {
  readonly status: BashStatus;
  readonly exit_code: number | null;
}

async function end(
  sandbox: Sandbox,
  command: { readonly session_id: string; readonly command_id: string },
  signal: AbortSignal,
): Promise<Ended> {
  for (;;) {
    const { command: now } = await sandbox.bash.output({ ...command, wait: true }, { signal });
    if (now && now.status !== 'running' && now.status !== 'pending') return now;
  }
}
