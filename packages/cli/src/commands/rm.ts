import { Gateway } from '@paddock/client/parts';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { sandboxesOf } from '../sandboxes.ts';
import { abortOnEnding } from '../signals.ts';

/**
 * Ends sandboxes and deletes their files, all that there are of those named.
 *
 * @throws CliError afterwards when some were not there.
 */
export async function rm(ids: readonly string[], options: GlobalOptions): Promise<void> {
  using ending = abortOnEnding();
  await using reach = await openReach(options, ending.signal);
  const gateway = new Gateway({ ...reach.connection, signal: ending.signal });
  const sandboxes = await sandboxesOf(gateway, { all: true });
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
