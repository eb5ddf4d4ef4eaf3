import { Gateway } from '@paddock/client';
import { print } from '../output.ts';
import { type GlobalOptions, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface LsOptions extends GlobalOptions {
  /** Print ids alone. */
  readonly quiet?: boolean;
}

/** Prints the caller's sandboxes. */
export async function ls({ quiet, ...options }: LsOptions): Promise<void> {
  using ending = abortOnEnding();
  const { baseUrl, apiKey, retries } = reachOf(options);
  const gateway = new Gateway({ baseUrl, apiKey, retries, signal: ending.signal });
  const { sandboxes } = await gateway.sandboxes.list();
  if (options.json) return print(`${JSON.stringify(sandboxes, null, 2)}\n`);
  const ids = sandboxes.map(({ sandbox_id }) => sandbox_id);
  if (quiet) return print(ids.map((id) => `${id}\n`).join(''));
  const width = Math.max(2, ...ids.map((id) => id.length));
  const lines = sandboxes.map(({ sandbox_id, status }) => `${sandbox_id.padEnd(width)}  ${status}`);
  await print(`${[`${'ID'.padEnd(width)}  STATUS`, ...lines].join('\n')}\n`);
}
