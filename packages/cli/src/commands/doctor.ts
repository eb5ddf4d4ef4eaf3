import type { Cluster } from '../cluster/cluster.ts';
import type { Check } from '../doctor/check.ts';
import { CliError } from '../failure.ts';
import { print } from '../output.ts';
import { clusterOf, type GlobalOptions, keyOf, openReach } from '../reach.ts';
import { abortOnEnding } from '../signals.ts';

export interface DoctorOptions extends GlobalOptions {
  /** A folder whose files the sandboxes of a cluster should have as their skills. */
  readonly skills?: string;
}

/**
 * Checks what sandboxes need of this machine, or of the cluster that is meant, a line for each thing, and gives 1 when they
 * do not work there.
 */
export async function doctor(options: DoctorOptions): Promise<number> {
  using ending = abortOnEnding();
  const cluster = clusterOf(options);
  if (!cluster && options.skills !== undefined)
    throw new CliError('--skills is about a cluster', { hint: 'Give --context too.' });
  const found = cluster ? checkThere(cluster, options, ending.signal) : checkHere(options, ending.signal);
  const checks: Check[] = [];
  for await (const check of found) {
    checks.push(check);
    // Told as they come: the last takes a second.
    if (!options.json) await print(lines(check, cluster ? 20 : 14));
  }
  const failed = checks.some(({ status }) => status === 'fail');
  if (options.json) await print(`${JSON.stringify({ ok: !failed, checks }, null, 2)}\n`);
  return failed ? 1 : 0;
}

async function* checkHere(options: GlobalOptions, signal: AbortSignal): AsyncGenerator<Check> {
  const { checkMachine } = await import('../doctor/machine.ts');
  const { checkPrograms } = await import('../doctor/programs.ts');
  const { checkGateway, checkSettings } = await import('../doctor/settings.ts');
  const { checkSandbox } = await import('../doctor/trial.ts');
  await using reach = await openReach(options, signal);
  yield* await checkMachine();
  yield* checkPrograms();
  yield* await checkSettings(signal);
  yield await checkGateway(reach, signal);
  yield await checkSandbox(signal);
}

async function* checkThere(
  cluster: Cluster,
  options: DoctorOptions,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const { checkCluster } = await import('../doctor/cluster/index.ts');
  yield* checkCluster(cluster, { apiKey: keyOf(options), skills: options.skills }, signal);
}

function lines({ name, status, message, hint }: Check, width: number): string {
  const first = `${status.padEnd(4)}  ${name.padEnd(width)}${oneLine(message)}\n`;
  return hint === undefined ? first : `${first}      ${' '.repeat(width)}hint: ${oneLine(hint)}\n`;
}

/** Events and answers of a cluster may hold anything: nothing of it is to move the cursor of a terminal. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').trim();
}
