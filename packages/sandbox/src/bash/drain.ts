import type { Channel } from './channel.ts';

/** After the exit: for how many rounds output must be silent to count as complete although a child holds the pipes. */
const quietRoundsWanted = 3;
const roundMs = 15;
const limitMs = 1000;

/** Resolves when both outputs are at their end, or are silent because only a background child holds them. */
export async function drained({ stdout, stderr }: Channel): Promise<void> {
  if (!stdout.isOpen && !stderr.isOpen) return;
  const rounds = quietRounds(() => stdout.ring.total + stderr.ring.total);
  await Promise.race([Promise.all([stdout.closed, stderr.closed]), rounds.over]);
  clearInterval(rounds.timer);
}

/** Rounds are counted, not time: a busy event loop reads between two rounds, but maybe not for longer than that. */
function quietRounds(printed: () => number): { over: Promise<void>; timer: NodeJS.Timeout } {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const exitedAt = performance.now();
  let quiet = 0;
  let seen = printed();
  const timer = setInterval(() => {
    const now = printed();
    quiet = seen === now ? quiet + 1 : 0;
    seen = now;
    if (quiet >= quietRoundsWanted || performance.now() - exitedAt >= limitMs) resolve();
  }, roundMs);
  return { over, timer };
}
