import type { Check } from '../doctor/check.ts';
import { checkMachine } from '../doctor/machine.ts';
import { checkPrograms } from '../doctor/programs.ts';
import { checkGateway, checkSettings } from '../doctor/settings.ts';
import { checkSandbox } from '../doctor/trial.ts';
import { print } from '../output.ts';
import { type GlobalOptions, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

/** Checks what sandboxes need of this machine, a line for each thing, and gives 1 when they do not work here. */
export async function doctor(options: GlobalOptions): Promise<number> {
  using ending = abortOnEnding();
  const { signal } = ending;
  await using reach = await openReach(options, signal);
  const groups: readonly (() => Promise<Check[]> | Check[])[] = [
    checkMachine,
    checkPrograms,
    () => checkSettings(signal),
    async () => [await checkGateway(reach, signal)],
    async () => [await checkSandbox(signal)],
  ];
  const checks: Check[] = [];
  for (const group of groups) {
    const found = await group();
    checks.push(...found);
    // Told as they come: the last takes a second.
    if (!options.json) await print(found.map(lines).join(''));
  }
  const failed = checks.some(({ status }) => status === 'fail');
  if (options.json) await print(`${JSON.stringify({ ok: !failed, checks }, null, 2)}\n`);
  return failed ? 1 : 0;
}

function lines({ name, status, message, hint }: Check): string {
  const first = `${status.padEnd(4)}  ${name.padEnd(13)} ${message}\n`;
  return hint === undefined ? first : `${first}      ${' '.repeat(13)} hint: ${hint}\n`;
}
