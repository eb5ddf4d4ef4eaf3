import { describe, expect, it } from 'vitest';
import type { Notes } from '../src/engines/engine.ts';
import { expiryOf } from '../src/fleet/expiry.ts';

const limits = { idleSeconds: 60, maxLifeSeconds: 600 };
const none = { idleSeconds: 0, maxLifeSeconds: 0 };
/** Created at 1000 s, last used at 1100 s. */
const life = (notes: Notes = {}, id = 'chat') => ({ id, createdMs: 1_000_000, lastUsedMs: 1_100_000, notes });
const wish = (atSeconds: number, setSeconds: number) => ({
  expiry: { atMs: atSeconds * 1000, setMs: setSeconds * 1000 },
});

describe('the end of a sandbox', () => {
  it.each([
    ['idle time after its last use', life(), limits, 1160, 'idle'],
    ['its maximum age, when that comes before', life({ idleSeconds: 10_000 }), limits, 1600, 'absolute'],
    [
      'its maximum age alone, when it may be idle for ever',
      life({ idleSeconds: 0 }),
      limits,
      1600,
      'absolute',
    ],
    ['never, without limits', life(), none, Number.POSITIVE_INFINITY, 'absolute'],
    ['an idle time of its own, without limits', life({ idleSeconds: 5 }), none, 1105, 'idle'],
    [
      'never, for the one that callers share',
      life({}, 'default'),
      limits,
      Number.POSITIVE_INFINITY,
      'absolute',
    ],
    [
      'idle time, for that one once it is outdated',
      { ...life({}, 'default'), isOutdated: true },
      limits,
      1160,
      'outdated',
    ],
    [
      'never, for that one where nothing is ended for being idle',
      { ...life({}, 'default'), isOutdated: true },
      { idleSeconds: 0, maxLifeSeconds: 600 },
      Number.POSITIVE_INFINITY,
      'absolute',
    ],
    [
      'never, for that one when somebody asked for that',
      { ...life({ idleSeconds: 0 }, 'default'), isOutdated: true },
      limits,
      Number.POSITIVE_INFINITY,
      'absolute',
    ],
    ['a time asked for, also for that one', life(wish(1300, 1200), 'default'), limits, 1300, 'idle'],
    ['a time asked for after its last use, later', life(wish(1300, 1200)), limits, 1300, 'idle'],
    ['a time asked for after its last use, sooner', life(wish(1120, 1110)), limits, 1120, 'idle'],
    ['a time asked for before its last use, as the least', life(wish(1120, 1050)), limits, 1160, 'idle'],
    ['a time asked for before its last use, later', life(wish(1300, 1050)), limits, 1300, 'idle'],
    ['at most its maximum age', life(wish(9000, 1200)), limits, 1600, 'absolute'],
    [
      'a time asked for, where it may be idle for ever',
      life({ ...wish(1300, 1050), idleSeconds: 0 }),
      none,
      1300,
      'idle',
    ],
    [
      'its last use, when that is later still',
      life({ ...wish(1090, 1050), idleSeconds: 0 }),
      none,
      1100,
      'idle',
    ],
  ] as const)('is %s', (_, of, by, atSeconds, reason) => {
    expect(expiryOf(of, by)).toMatchObject({ atMs: atSeconds * 1000, reason });
  });
});
