import { Sandbox } from '@paddock/client';
import { execute } from '../execution/execute.ts';
import { CliError } from '../failure.ts';
import { type GlobalOptions, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface ExecOptions extends GlobalOptions {
  readonly id: string;
  readonly rest: readonly string[] | undefined;
}

/** Runs a command in a sandbox that exists and gives its exit code. */
export async function exec({ id, rest = [], ...options }: ExecOptions): Promise<number> {
  if (rest.length === 0) {
    throw new CliError('there is nothing to run', {
      hint: `Give a command behind --: paddock exec ${id} -- ls`,
    });
  }
  using ending = abortOnEnding();
  const { baseUrl, apiKey, retries } = reachOf(options);
  const sandbox = await Sandbox.connect({ baseUrl, apiKey, retries, id });
  return await execute(sandbox, id, rest, { json: options.json ?? false, signal: ending.signal });
}
