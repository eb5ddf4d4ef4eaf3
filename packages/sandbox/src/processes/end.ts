import { setTimeout as pause } from 'node:timers/promises';
import { signal } from './proc.ts';

/**
 * Asks processes to end, and kills those that are still there after a grace period. Resolves when none is left.
 *
 * @param members lists the live ones; asked again and again, since some may fork meanwhile
 */
export async function endAll(
  members: () => readonly number[],
  request: 'SIGHUP' | 'SIGTERM' | 'SIGKILL',
  graceMs: number,
): Promise<void> {
  for (const member of members()) {
    signal(member, request);
    // A stopped process acts on nothing else.
    signal(member, 'SIGCONT');
  }
  const deadline = performance.now() + graceMs;
  for (let live = members(); live.length > 0; live = members()) {
    if (performance.now() >= deadline) for (const member of live) signal(member, 'SIGKILL');
    await pause(5);
  }
}
