import { Gateway } from '@paddock/client';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { type GlobalOptions, reachOf } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

/**
 * Ends sandboxes and deletes their files, all that there are of those named.
 *
 * @throws CliError afterwards when some were not there.
 */
export async function rm(ids: readonly string[], options: GlobalOptions): Promise<void> {
  using ending = abortOnEnding();
  const { baseUrl, apiKey, retries } = reachOf(options);
  const gateway = new Gateway({ baseUrl, apiKey, retries, signal: ending.signal });
  const { sandboxes } = await gateway.sandboxes.list();
  const live = new Set(sandboxes.map(({ sandbox_id }) => sandbox_id));
  const asked = [...new Set(ids)];
  const removed = asked.filter((id) => live.has(id));
  await Promise.all(removed.map((sandbox_id) => gateway.sandboxes.release({ sandbox_id })));
  if (options.json) await print(`${JSON.stringify({ removed })}\n`);
  const missing = asked.filter((id) => !live.has(id));
  if (missing.length === 0) return;
  throw new CliError(`there is no sandbox ${missing.map((id) => JSON.stringify(id)).join(', ')}`, {
    hint: 'List them with `paddock ls`.',
  });
}
