import { afterAll } from 'vitest';

/** Time for sockets and children that were closed at the very end of a test to go. */
const graceMs = 2_000;

const before = countResources();

afterAll(async () => {
  const deadline = performance.now() + graceMs;
  let leaked = leakedResources();
  while (leaked.length > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20).unref());
    leaked = leakedResources();
  }
  if (leaked.length > 0) throw new Error(`the tests of this file leave open: ${leaked.join(', ')}`);
});

/** What keeps this process alive now and did not before the tests. */
function leakedResources(): string[] {
  return Array.from(countResources())
    .map(([type, count]) => ({ type, extra: count - (before.get(type) ?? 0) }))
    .filter(({ extra }) => extra > 0)
    .map(({ type, extra }) => `${extra} ${type}`);
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}
