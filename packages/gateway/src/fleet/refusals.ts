/** The failures by which a sandbox is not given, as callers read them. */
import { Fault } from '@paddock/protocol';
import type { Delay } from '../engines/engine.ts';

/** @param known the templates that there are. */
export function templateUnknown(template: string, known: readonly string[]): Fault {
  const hint =
    known.length > 0 ? `Take one of ${known.join(', ')}, or none.` : 'Leave template out: there are none.';
  return new Fault('template_unknown', `there is no template "${template}"`, { hint });
}

/** @param setting the one whose value is reached. */
export function limitReached(what: string, setting: string): Fault {
  return new Fault('sandbox_limit', `${what}, as many as ${setting} allows`, {
    headers: { 'retry-after': '5' },
  });
}

/** @param delay what is wrong with the start, where that is known. */
export function stillStarting(delay: Delay | undefined): Fault {
  const headers = { 'retry-after': '1' };
  if (!delay) return new Fault('sandbox_starting', undefined, { headers });
  const message = `The sandbox is still starting; nothing ran. It waits: ${delay.reason}`;
  return new Fault('sandbox_starting', message, { hint: delay.hint, headers });
}
