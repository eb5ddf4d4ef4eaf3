import { claim, Gateway } from '@paddock/client/parts';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface CreateOptions extends GlobalOptions {
  /** A random one when absent. */
  readonly id: string | undefined;
  readonly template?: string;
  /** `name=value`, as often as there are entries. */
  readonly metadata?: readonly string[];
}

/** Creates a sandbox, or finds the one of that id, and prints its id. It stays until it is removed or expires. */
export async function create({ id, template, metadata = [], ...options }: CreateOptions): Promise<void> {
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  const connection = { ...reach.connection, signal };
  const wish = {
    ...(template !== undefined && { template }),
    ...(metadata.length > 0 && { metadata: entriesOf(metadata) }),
  };
  const lease = await claim(connection, id, wish);
  if (options.json) {
    const made = await new Gateway(connection).sandboxes.get({ sandbox_id: lease.id });
    return await print(`${JSON.stringify({ ...made, warnings: lease.warnings }, null, 2)}\n`);
  }
  for (const warning of lease.warnings) process.stderr.write(`warning: ${warning}\n`);
  return await print(`${lease.id}\n`);
}

function entriesOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const cut = pair.indexOf('=');
      if (cut > 0) return [pair.slice(0, cut), pair.slice(cut + 1)];
      throw new CliError(`--metadata is ${JSON.stringify(pair)}`, { hint: 'Write it as NAME=VALUE.' });
    }),
  );
}
