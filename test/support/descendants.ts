import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process of this machine. */
export interface Found {
  readonly pid: number;
  /** Its program and arguments. */
  readonly line: string;
}

/** All processes below a process. */
export function descendants(ancestor: number): Found[] {
  const parents = new Map<number, number>();
  for (const pid of readdirSync('/proc').map(Number).filter(Number.isInteger)) {
    const parent = /^PPid:\t(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1];
    if (parent !== undefined) parents.set(pid, Number(parent));
  }
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid) ?? 0;
    return parent > 0 && (parent === ancestor || isBelow(parent));
  };
  return [...parents.keys()]
    .filter(isBelow)
    .map((pid) => ({ pid, line: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ') }));
}

/** Waits until processes are gone, or ended and not yet waited for. */
export async function gone(processes: readonly Found[], limitMs = 10_000): Promise<void> {
  const giveUpMs = performance.now() + limitMs;
  for (;;) {
    const left = processes.filter(({ pid }) => /^State:\t[^ZX]/m.test(read(`/proc/${pid}/status`)));
    if (left.length === 0) return;
    if (performance.now() > giveUpMs)
      throw new Error(`still there: ${left.map(({ line }) => line).join('; ')}`);
    await delay(20);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}
