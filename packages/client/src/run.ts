import type { Aio } from '@paddock/protocol';
import { CommandError, type CommandResult, PaddockError } from './error.ts';
import type { CallOptions } from './exchange.ts';
import type { Methods } from './methods.ts';

/** How a command runs. */
export interface RunOptions extends CallOptions {
  /** The working directory, absolute. */
  readonly cwd?: string | undefined;
  /** Variables for this command only. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The command is killed after so long. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs a command in a fresh bash and gives what it printed, all of it.
 *
 * @throws CommandError when it ends with another exit code than 0, or is killed.
 */
export async function run(
  bash: Methods<Aio>['bash'],
  command: string,
  { cwd, env, timeoutMs, signal }: RunOptions = {},
): Promise<CommandResult & { readonly exitCode: 0 }> {
  const { status, exit_code, stdout, stderr } = await bash.exec(
    {
      command,
      max_output_length: 0,
      ...(cwd !== undefined && { exec_dir: cwd }),
      ...(env && { env }),
      ...(timeoutMs !== undefined && { hard_timeout: timeoutMs / 1000 }),
    },
    { signal },
  );
  if (status === 'pending' || status === 'running') {
    throw new PaddockError('unexpected_answer', 'the sandbox answered before the command had ended', {
      hint: 'It still runs there: look for it before you run it again.',
    });
  }
  if (status === 'completed' && exit_code === 0) return { command, exitCode: exit_code, stdout, stderr };
  throw new CommandError(
    { command, exitCode: exit_code, stdout, stderr },
    { timedOut: status === 'timed_out' },
  );
}
