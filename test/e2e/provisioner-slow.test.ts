/** A sandbox that takes long to start: callers hear so in time, and it goes on. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Place } from './provisioner.support.ts';

describe('a create that takes too long', () => {
  const slow = { PADDOCK_WARM_SANDBOXES: '0', PADDOCK_CREATE_TIMEOUT_SECONDS: '1' };
  const place = new Place({ ...slow, PATH: `$PLACE/bin:${process.env.PATH}` });

  beforeAll(async () => {
    mkdirSync(place.path('bin'));
    // The real program, late while a file says so, and failing while another does.
    writeFileSync(
      place.path('bin/bwrap'),
      `#!/bin/sh
[ -e ${place.path('fail')} ] && exit 1
[ -e ${place.path('slow')} ] && sleep 2.5
PATH=\${PATH#*:} exec bwrap "$@"
`,
    );
    chmodSync(place.path('bin/bwrap'), 0o755);
    await place.start();
    await place.client.sandboxes.create({ sandbox_id: 'takes-the-one-of-the-start' });
    writeFileSync(place.path('slow'), '');
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it('answers 503 and goes on: one sandbox, which serves in the end', async () => {
    const client = place.client;
    const create = () => client.sandboxes.create({ sandbox_id: 'late' });
    await expect(create()).rejects.toMatchObject({ status: 503, code: 'sandbox_starting' });
    const asked = client.sandboxes.get({ sandbox_id: 'late' });
    await expect(asked).rejects.toMatchObject({ status: 503, code: 'sandbox_starting' });
    expect(await client.sandboxes.list()).toMatchObject({ count: 1 });
    expect(await client.sandboxes.list({ status: 'Pending' })).toMatchObject({ count: 1 });
    for (let tries = 0; ; tries++) {
      const status = await create().then(
        (made) => made.status,
        ({ code }) => code,
      );
      if (status === 'Running') break;
      expect(status).toBe('sandbox_starting');
      expect(tries).toBeLessThan(10);
    }
    expect(place.gateway.child.errors.match(/"event":"sandbox.created"[^\n]*"id":"late"/g)).toHaveLength(1);
  });

  it('and then fails, is forgotten although nobody waits any more', async () => {
    writeFileSync(place.path('fail'), '');
    const call = place.client.sandboxes.create({ sandbox_id: 'never' });
    await expect(call).rejects.toMatchObject({ status: 503, code: 'sandbox_failed' });
    for (let tries = 0; (await place.client.sandboxes.list({ status: 'Pending' })).count > 0; tries++) {
      expect(tries).toBeLessThan(50);
      await delay(50);
    }
    // Told once all of it is put away.
    const told = () =>
      expect(place.gateway.child.errors).toMatch(/"event":"sandbox.ended","reason":"failure"/);
    await vi.waitFor(told, { timeout: 10_000 });
  });
});
