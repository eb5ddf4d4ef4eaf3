import { Gateway } from '@paddock/client/parts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { sandboxesOf } from '../sandboxes.ts';
import { abortOnEnding } from '../signals.ts';

export interface LsOptions extends GlobalOptions {
  /** Also those that do not serve now. */
  readonly all?: boolean;
  /** Print ids alone. */
  readonly quiet?: boolean;
}

/** Prints the caller's sandboxes. */
export async function ls({ all = false, quiet, ...options }: LsOptions): Promise<void> {
  using ending = abortOnEnding();
  await using reach = await openReach(options, ending.signal);
  const gateway = new Gateway({ ...reach.connection, signal: ending.signal });
  const sandboxes = await sandboxesOf(gateway, { all });
  if (options.json) return await print(`${JSON.stringify(sandboxes, null, 2)}\n`);
  const ids = sandboxes.map(({ sandbox_id }) => sandbox_id);
  if (quiet) return await print(ids.map((id) => `${id}\n`).join(''));
  const width = Math.max(2, ...ids.map((id) => id.length));
  const lines = sandboxes.map(({ sandbox_id, status, reason }) =>
    [sandbox_id.padEnd(width), status, ...(reason ? [reason] : [])].join('  '),
  );
  await print(`${[`${'ID'.padEnd(width)}  STATUS`, ...lines].join('\n')}\n`);
}
