import { Sandbox } from '@paddock/client';
import { copyIn } from '../copy/in.ts';
import { copyOut } from '../copy/out.ts';
import { copyOf } from '../copy/place.ts';
import { Progress } from '../copy/progress.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

/** Copies a file or folder into a sandbox that exists, or out of it. */
export async function cp(source: string, target: string, options: GlobalOptions): Promise<void> {
  const copy = copyOf(source, target);
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  const sandbox = await Sandbox.connect({ ...reach.connection, id: copy.id, signal });
  using progress = new Progress();
  await (copy.direction === 'in' ? copyIn : copyOut)(sandbox, copy, progress, signal);
  const { files, bytes } = progress;
  if (options.json) await print(`${JSON.stringify({ sandbox_id: copy.id, files, bytes })}\n`);
}
