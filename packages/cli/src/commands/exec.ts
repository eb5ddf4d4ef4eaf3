import { Sandbox } from '@paddock/client';
import { CliError } from '../failure.ts';
import { printResult } from '../output.ts';
import { quote } from '../quote.ts';
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
  const { baseUrl, apiKey } = reachOf(options);
  const sandbox = await Sandbox.connect({ baseUrl, apiKey, id, signal: ending.signal });
  const result = await sandbox.bash.exec({ command: quote(rest), max_output_length: 0 });
  return await printResult(id, result, options.json ?? false);
}
