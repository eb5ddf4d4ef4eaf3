import { boxOf } from '../execution/box.ts';
import { execute } from '../execution/execute.ts';
import { inputOf } from '../execution/input.ts';
import { CliError } from '../failure.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface ExecOptions extends GlobalOptions {
  readonly id: string;
  readonly rest: readonly string[] | undefined;
  /** Hand on what is typed. */
  readonly interactive?: boolean;
}

/** Runs a command in a sandbox that exists and gives its exit code. */
export async function exec({ id, rest = [], interactive = false, ...options }: ExecOptions): Promise<number> {
  if (rest.length === 0) {
    throw new CliError('there is nothing to run', {
      hint: `Give a command behind --: paddock exec ${id} -- ls`,
    });
  }
  using ending = abortOnEnding();
  await using reach = await openReach(options, ending.signal);
  const json = options.json ?? false;
  return await execute(boxOf(reach.connection, id), rest, { json, ending, input: inputOf(interactive) });
}
