import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Use } from '../src/index.ts';

describe('use', () => {
  it('is now while anything is open, whatever ends first', async () => {
    const use = new Use(0);
    const ends = [use.begin(), use.begin()];
    ends[0]?.();
    await delay(20);
    expect(use.idleMs).toBe(0);
    ends[1]?.();
    await delay(20);
    expect(use.idleMs).toBeGreaterThanOrEqual(15);
  });

  it('goes on from the last use of an earlier run', () => {
    expect(new Use(Date.now() - 5_000).idleMs).toBeGreaterThanOrEqual(5_000);
  });

  it('is put forward, and never back, by what is heard of', () => {
    const use = new Use(Date.now() - 5_000);
    use.seen(10_000);
    expect(use.idleMs).toBeGreaterThanOrEqual(5_000);
    use.seen(1_000);
    expect(use.idleMs).toBeLessThan(2_000);
  });
});
