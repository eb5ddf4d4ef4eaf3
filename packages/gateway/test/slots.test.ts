import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Slots } from '../src/engines/local/slots.ts';

describe('slots', () => {
  it('let so many in at once, and the others in the order in which they came', async () => {
    const slots = new Slots(2);
    const inside: Disposable[] = [];
    const entered: number[] = [];
    const all = [0, 1, 2, 3].map(async (who) => {
      inside.push(await slots.take());
      entered.push(who);
    });
    await setImmediate();
    expect(entered).toEqual([0, 1]);
    inside.shift()?.[Symbol.dispose]();
    await setImmediate();
    expect(entered).toEqual([0, 1, 2]);
    inside.shift()?.[Symbol.dispose]();
    await Promise.all(all);
    expect(entered).toEqual([0, 1, 2, 3]);
  });

  it('are free again after work that fails', async () => {
    const slots = new Slots(1);
    const fail = async () => {
      using _ = await slots.take();
      throw new Error('it fails');
    };
    await expect(fail()).rejects.toThrow('it fails');
    using slot = await slots.take();
    expect(slot).toBeDefined();
  });
});
