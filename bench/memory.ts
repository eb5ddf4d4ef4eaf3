import { readFileSync, writeFileSync } from 'node:fs';

/** What the kernel sums up in smaps_rollup, in KiB. */
export type Sums = Readonly<Record<string, number>>;

/** How the memory of a process is made up. */
export function memorySums(pid: number): Sums {
  return fieldsOf(`/proc/${pid}/smaps_rollup`);
}

/** Memory that a process shares with no other, in KiB. */
export function privateKib(sums: Sums): number {
  return (sums.Private_Clean ?? 0) + (sums.Private_Dirty ?? 0);
}

/** By how much a process's resident memory goes beyond what it was, at the most, during some work; in MiB. */
export async function growthMib(pid: number, work: () => Promise<unknown>): Promise<number> {
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // Its peak counts from now on.
  const before = fieldsOf(`/proc/${pid}/status`).VmRSS ?? 0;
  await work();
  return ((fieldsOf(`/proc/${pid}/status`).VmHWM ?? 0) - before) / 1024;
}

function fieldsOf(file: string): Sums {
  const lines = readFileSync(file, 'utf8').matchAll(/^(\w+):\s+(\d+) kB$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, kib]) => [name, Number(kib)]));
}
