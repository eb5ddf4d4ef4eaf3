import { setTimeout as delay } from 'node:timers/promises';
import { PaddockError } from '@paddock/client/parts';
import type { BashStatus } from '@paddock/protocol';
import { Interrupted } from '../failure.ts';
import { ClosedPipe, print, printError } from '../output.ts';
import { quote } from '../quote.ts';
import { randomId } from '../random-id.ts';
import { type Ending, exitCodeOf } from '../signals.ts';
import type { Box } from './box.ts';
import { type Ended, follow, limitWholeBytes } from './follow.ts';
import { send } from './input.ts';

/** What a shell tells of a command that wrote to a reader which had left. */
const brokenPipe = 141;

/** How long the first answer waits for a command that is soon over, in seconds. What others print shows after that. */
const soonSeconds = 0.1;

/** A command that has not begun so long after somebody wants it to end waits for its sandbox: it ends then without it. */
const startLimitMs = 1_000;

interface ExecuteOptions {
  readonly json: boolean;
  readonly ending: Ending;
  /** What the command reads; nothing when absent. */
  readonly input?: NodeJS.ReadableStream | undefined;
  /** The sandbox is released afterwards, so that there is nothing to put away in it. */
  readonly endsWithIt?: boolean;
}

/**
 * Runs a command in a sandbox, gives it the input, and prints what it writes while it writes it, byte for byte; with `json` at
 * the end, as JSON. Gives its exit code. A first Ctrl-C goes to the command; a second, and a reader of the output that leaves,
 * end the command and all that it started.
 *
 * A sandbox keeps the beginning and the end of long output only. So the command writes to files, which are read as they grow.
 */
export async function execute(
  box: Box,
  args: readonly string[],
  { json, ending, input, endsWithIt = false }: ExecuteOptions,
): Promise<number> {
  const base = `/tmp/.paddock-${randomId()}`;
  const files = { out: `${base}.out`, err: `${base}.err` };
  // Chosen here, so that it can be ended before the first answer has come.
  const session_id = randomId();
  const left = new AbortController();
  const signal = AbortSignal.any([ending.signal, left.signal]);
  try {
    const started = Promise.withResolvers<true>();
    using _ = ending.onInterrupt(() => {
      interrupt(box, session_id, started.promise).catch((error) => left.abort(error));
    });
    const command = commandOf(args, files);
    const first = await box.bash.exec(
      {
        session_id,
        command,
        max_output_length: 0,
        ...(input ? { async_mode: true } : { timeout: soonSeconds }),
      },
      { signal },
    );
    started.resolve(true);
    const over = isOver(first)
      ? Promise.resolve(first)
      : end(box, { session_id, command_id: first.command_id }, signal);
    if (input) void send(box, session_id, input, over).catch((error) => left.abort(error));
    const told = { out: [] as Uint8Array[], err: [] as Uint8Array[] };
    const keep = (name: 'out' | 'err') => async (bytes: Uint8Array) =>
      void told[name].push(Buffer.from(bytes));
    const take = json ? { out: keep('out'), err: keep('err') } : { out: print, err: printError };
    const following = { box, over, signal };
    const outputs = [
      follow({ ...following, path: files.out, whole: ({ stdout }) => stdout, take: take.out }),
      follow({ ...following, path: files.err, whole: ({ stderr }) => stderr, take: take.err }),
    ];
    for (const output of outputs) output.catch((reason: unknown) => left.abort(reason));
    const [{ status, exit_code }] = await Promise.all([over, ...outputs]);
    if (json) {
      const [stdout, stderr] = [told.out, told.err].map((chunks) => Buffer.concat(chunks).toString());
      await print(`${JSON.stringify({ sandbox_id: box.id, status, exit_code, stdout, stderr })}\n`);
    }
    return exit_code ?? (status === 'killed' ? 137 : 1);
  } catch (error) {
    if (!(error instanceof Interrupted || error instanceof ClosedPipe)) throw error;
    if (!endsWithIt) await close(box, session_id);
    if (error instanceof ClosedPipe) return brokenPipe;
    throw error;
  } finally {
    if (!endsWithIt) await box.bash.exec({ command: `rm -f ${files.out} ${files.err}` });
  }
}

/** Output that is short comes with the answer: most commands are over in one request. */
function commandOf(
  args: readonly string[],
  { out, err }: { readonly out: string; readonly err: string },
): string {
  const show = (file: string, to: string) =>
    `if [[ -s ${file} ]]; then head -c ${limitWholeBytes} ${file}${to}; fi`;
  return `( ${quote(args)} ) >${out} 2>${err}; c=$?; ${show(out, '')}; ${show(err, ' >&2')}; exit $c`;
}

function isOver({ status }: { readonly status: BashStatus }): boolean {
  return status !== 'running' && status !== 'pending';
}

async function end(
  box: Box,
  command: { readonly session_id: string; readonly command_id: string },
  signal: AbortSignal,
): Promise<Ended> {
  const told = { stdout: '', stderr: '' };
  let from = { offset: 0, stderr_offset: 0 };
  for (;;) {
    const now = await box.bash.output({ ...command, ...from, wait: true }, { signal });
    told.stdout += now.stdout;
    told.stderr += now.stderr;
    from = { offset: now.offset, stderr_offset: now.stderr_offset };
    if (now.command && isOver(now.command)) return { ...now.command, ...told };
  }
}

/**
 * What a terminal does: the command and all that it started get SIGINT, and may take it as they like. Before the first answer
 * there may be nothing yet that could take it.
 */
async function interrupt(box: Box, session_id: string, started: Promise<true>): Promise<void> {
  if (!(await Promise.race([started, delay(startLimitMs, false, { ref: false })])))
    throw new Interrupted(exitCodeOf('SIGINT'));
  await box.bash.kill({ session_id, signal: 'SIGINT' }).catch(ignoreGone);
}

async function close(box: Box, session_id: string): Promise<void> {
  await box.bash.closeSession({ session_id }).catch(ignoreGone);
}

/** Nothing runs there: it has not begun, or is over. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof PaddockError && error.code === 'session_not_found')) throw error;
}
