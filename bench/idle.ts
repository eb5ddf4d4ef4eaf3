import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** How long that is waited for. */
const limitMs = 20_000;

/**
 * Waits until a program and all that it has started use the processor no more.
 *
 * @param quietMs how long nothing may happen: a sandbox server gives memory back some time after its latest work.
 */
export async function untilIdle(pid: number, quietMs = 2500): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (let before = ticksUsed(pid); performance.now() < deadline; ) {
    await setTimeout(quietMs);
    const now = ticksUsed(pid);
    if (now === before) return;
    before = now;
  }
  throw new Error(`process ${pid} and what it has started do not come to rest`);
}

/** Processor time of a process and its descendants, in the kernel's ticks of 10 ms. */
function ticksUsed(pid: number): number {
  const stat = readProc(pid, 'stat');
  // After the name in parentheses: state is 0, utime and stime 11 and 12.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  const children = readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return children.map(ticksUsed).reduce((sum, ticks) => sum + ticks, own);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
