import { afterAll, describe, expect, it } from 'vitest';
import { hostileCases } from './shell.hostile-cases.ts';
import { TestShells } from './shell.support.ts';

describe('a shell session after', () => {
  const shells = new TestShells();
  let count = 0;
  afterAll(() => shells[Symbol.asyncDispose]());

  it.each(hostileCases)(
    '$name takes commands as before',
    async ({ command, ends, prints, endsSession, after = 'OK\n' }) => {
      count += 1;
      const id = `hostile-${count}`;
      const first = await shells.run(id, command);
      expect(first.outcome).toEqual(
        typeof ends === 'number' ? { status: 'completed', exitCode: ends } : ends,
      );
      if (typeof prints === 'string') expect(first.output).toBe(prints);
      if (prints instanceof RegExp) expect(first.output).toMatch(prints);
      expect(first.hints === '').toBe(endsSession === undefined);

      const next = await shells.run(id, 'echo OK');
      if (typeof after === 'string') expect(next.output).toBe(after);
      else expect(next.output).toMatch(after);
      expect(next.hints === '').toBe(endsSession === undefined);
      expect(next.end).toBe('ended');
      await shells.sessions.delete(id);
    },
  );
});
