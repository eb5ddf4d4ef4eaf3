import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Gateway, type OwnedSandbox, PaddockError, Sandbox } from '@paddock/client';
import { execute } from '../execution/execute.ts';
import { CliError } from '../failure.ts';
import { type Program, programOf } from '../language.ts';
import { type GlobalOptions, type Reach, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface RunOptions extends GlobalOptions {
  /** A local file, or - for standard input. */
  readonly file: string | undefined;
  readonly lang?: string;
  /** What follows `--`: a command, or the arguments of the file. */
  readonly rest: readonly string[] | undefined;
}

/** Runs a program or a command in a sandbox of its own and gives its exit code. */
export async function run(options: RunOptions): Promise<number> {
  const work = await readWork(options);
  using ending = abortOnEnding();
  const { signal } = ending;
  await using gateway = await gatewayFor(reachOf(options), signal);
  const { baseUrl, apiKey } = gateway;
  await using sandbox = await Sandbox.create({ baseUrl, apiKey, retries: 0, signal });
  const args = await prepare(work, sandbox);
  const json = options.json ?? false;
  return await execute(sandbox, sandbox.id, args, { json, signal, endsWithIt: true });
}

/** A command, or a program with its arguments. */
interface Work {
  readonly program?: Program;
  readonly args: readonly string[];
}

async function readWork({ file, lang, rest = [] }: RunOptions): Promise<Work> {
  if (file === undefined && rest.length > 0) return { args: rest };
  if (file === undefined && process.stdin.isTTY) {
    throw new CliError('there is nothing to run', { hint: 'Give a file, or a command behind --.' });
  }
  const source = file ?? '-';
  const content = source === '-' ? await buffer(process.stdin) : await readLocal(source);
  return { program: programOf(source, content, lang), args: rest };
}

async function readLocal(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`${file} cannot be read: ${reason}`, { hint: 'A command stands behind --.', cause });
  }
}

type UsedGateway = Pick<Reach, 'baseUrl' | 'apiKey'> & AsyncDisposable;

/** The gateway that was named or that listens at the usual address, else one for this run alone. */
async function gatewayFor(reach: Reach, signal: AbortSignal): Promise<UsedGateway> {
  if (reach.named || (await serves(reach, signal))) {
    return { baseUrl: reach.baseUrl, apiKey: reach.apiKey, [Symbol.asyncDispose]: async () => {} };
  }
  const { startEphemeralGateway } = await import('../gateway/ephemeral.ts');
  return startEphemeralGateway(signal);
}

/** How long something that holds the usual port, and may be no gateway at all, gets to answer. */
const probeLimitMs = 2_000;

async function serves(reach: Reach, signal: AbortSignal): Promise<boolean> {
  const limit = AbortSignal.timeout(probeLimitMs);
  try {
    await new Gateway({ ...reach, signal }).service.health({}, { signal: limit });
    return true;
  } catch (error) {
    if (error === limit.reason) return false;
    if (error instanceof PaddockError && noGateway.has(error.code)) return false;
    throw error;
  }
}

const noGateway = new Set<string>(['unreachable', 'connection_lost', 'unexpected_answer']);

async function prepare({ program, args }: Work, sandbox: OwnedSandbox): Promise<readonly string[]> {
  if (!program) return args;
  const file = `/tmp/paddock-run/${program.name}`;
  await sandbox.file.write({ file, content: program.content.toString('base64'), encoding: 'base64' });
  return [program.interpreter, file, ...args];
}
