import { readFileSync } from 'node:fs';

/**
 * Users that sandboxes are on the machine when root runs them, one each. systemd's table of user ids (UIDS-GIDS) leaves
 * 1,879,048,192 to 2,147,352,575 unused.
 */
const first = 1_900_000_000;
const count = 200_000_000;

/** The `n`th of these users, `n` counted around. */
export function hostUser(n: number): number {
  return first + (n % count);
}

/** True for one of these users. */
export function isHostUser(uid: number): boolean {
  return uid >= first && uid < first + count;
}

/**
 * Whether this process can give sandboxes users of their own: as root of the machine, not of a container without
 * rights, whose user ids end before ours begin.
 */
export function canUseHostUsers(): boolean {
  return process.getuid?.() === 0 && mapsHostUsers(readFileSync('/proc/self/uid_map', 'utf8'));
}

/** Whether a user namespace's map, as the kernel writes it, holds all of these users. */
function mapsHostUsers(map: string): boolean {
  return map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , length = 0]) => inside <= first && inside + length >= first + count);
}
