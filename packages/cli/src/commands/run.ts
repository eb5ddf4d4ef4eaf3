import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { type ConnectionOptions, Gateway, PaddockError } from '@paddock/client/parts';
import { type Box, newBox } from '../execution/box.ts';
import { execute } from '../execution/execute.ts';
import { inputOf } from '../execution/input.ts';
import { CliError } from '../failure.ts';
import { type Program, programOf } from '../language.ts';
import { type GlobalOptions, type OpenReach, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface RunOptions extends GlobalOptions {
  /** A local file, or - for standard input. */
  readonly file: string | undefined;
  readonly lang?: string;
  /** Hand on what is typed. */
  readonly interactive?: boolean;
  /** What follows `--`: a command, or the arguments of the file. */
  readonly rest: readonly string[] | undefined;
}

/** Runs a program or a command in a sandbox of its own and gives its exit code. */
export async function run(options: RunOptions): Promise<number> {
  const work = await readWork(options);
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  await using gateway = await gatewayFor(reach, signal);
  // The next run need not wait until everything of this one is put away, unless the gateway goes with it.
  await using box = newBox(gateway.connection, gateway.isOurs);
  const args = await prepare(work, box, signal);
  const { json = false, interactive = false } = options;
  const input = work.isFromInput ? undefined : inputOf(interactive);
  return await execute(box, args, { json, ending, input, endsWithIt: true });
}

/** A command, or a program with its arguments. */
interface Work {
  readonly program?: Program;
  /** Standard input was the program, so that there is none for it to read. */
  readonly isFromInput?: boolean;
  readonly args: readonly string[];
}

async function readWork({ file, lang, rest = [] }: RunOptions): Promise<Work> {
  if (file === undefined && rest.length > 0) return { args: rest };
  if (file === undefined && process.stdin.isTTY) {
    throw new CliError('there is nothing to run', { hint: 'Give a file, or a command behind --.' });
  }
  const source = file ?? '-';
  const content = source === '-' ? await buffer(process.stdin) : readLocal(source);
  return { program: programOf(source, content, lang), args: rest, isFromInput: source === '-' };
}

function readLocal(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`${file} cannot be read: ${reason}`, { hint: 'A command stands behind --.', cause });
  }
}

interface UsedGateway extends AsyncDisposable {
  readonly connection: ConnectionOptions;
  /** It was started for this run. */
  readonly isOurs: boolean;
}

/** The gateway that was named or that listens at the usual address, else one for this run alone. */
async function gatewayFor(reach: OpenReach, signal: AbortSignal): Promise<UsedGateway> {
  const { connection } = reach;
  if (reach.named || (await serves(connection, signal))) {
    return { connection, isOurs: false, [Symbol.asyncDispose]: async () => {} };
  }
  const { startEphemeralGateway } = await import('../gateway/ephemeral.ts');
  const started = await startEphemeralGateway(signal);
  const { baseUrl, apiKey } = started;
  const stop = () => started[Symbol.asyncDispose]();
  return { connection: { baseUrl, apiKey, retries: 0 }, isOurs: true, [Symbol.asyncDispose]: stop };
}

/** How long something that holds the usual port, and may be no gateway at all, gets to answer. */
const probeLimitMs = 2_000;

async function serves(connection: ConnectionOptions, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.timeout(probeLimitMs);
  try {
    await new Gateway({ ...connection, signal }).service.health({}, { signal: limit });
    return true;
  } catch (error) {
    if (error === limit.reason) return false;
    if (error instanceof PaddockError && noGateway.has(error.code)) return false;
    throw error;
  }
}

const noGateway = new Set<string>(['unreachable', 'connection_lost', 'unexpected_answer']);

async function prepare({ program, args }: Work, box: Box, signal: AbortSignal): Promise<readonly string[]> {
  if (!program) return args;
  const path = `/tmp/paddock-run/${program.name}`;
  await box.file.write(
    { file: path, content: program.content.toString('base64'), encoding: 'base64' },
    { signal },
  );
  return [program.interpreter, path, ...args];
}
