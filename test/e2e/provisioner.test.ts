/** The provisioner API beyond what backends call: metadata, lists, times, and what stays when the gateway is restarted. */
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Place } from './provisioner.support.ts';

describe('a list of sandboxes', () => {
  const place = new Place();
  const list = async (query: Parameters<typeof place.client.sandboxes.list>[0]) =>
    (await place.client.sandboxes.list(query)).sandboxes.map(({ sandbox_id }) => sandbox_id);

  beforeAll(async () => {
    await place.start();
    for (const [sandbox_id, user_id, metadata] of [
      ['c', 'ada', { app: 'mail', tier: 'a & b' }],
      ['a', 'ada', { app: 'mail' }],
      ['b', 'bob', {}],
    ] as const)
      await place.client.sandboxes.create({ sandbox_id, thread_id: `t-${sandbox_id}`, user_id, metadata });
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it('has for a backend, which asks for nothing, what backends know and no more', async () => {
    const { sandboxes, ...rest } = await place.client.sandboxes.list();
    expect(rest).toEqual({ count: 3 });
    const b = sandboxes.find(({ sandbox_id }) => sandbox_id === 'b');
    expect(b).toEqual({ sandbox_id: 'b', sandbox_url: `${place.gateway.url}/s/b`, status: 'Running' });
  });

  it.each([
    ['metadata', { metadata: 'app=mail' }, ['a', 'c']],
    ['more metadata', { metadata: new URLSearchParams({ app: 'mail', tier: 'a & b' }).toString() }, ['c']],
    ['metadata that none has', { metadata: 'constructor=x' }, []],
    ['a user', { user_id: 'bob' }, ['b']],
    ['a conversation', { thread_id: 't-a' }, ['a']],
    ['a status', { status: 'Running' }, ['a', 'b', 'c']],
    ['another status', { status: 'Pending' }, []],
    ['a template', { template: 'none' }, []],
    ['two things', { user_id: 'ada', metadata: 'tier=a+%26+b' }, ['c']],
  ] as const)('can be asked for by %s', async (_, query, ids) => {
    expect(await list(query)).toEqual(ids);
  });

  it('comes in pages, each with what leads to the next', async () => {
    const first = await place.client.sandboxes.list({ limit: 2 });
    expect(first).toMatchObject({ count: 2, total: 3, next: 'b' });
    const second = await place.client.sandboxes.list({ limit: 2, after: first.next });
    expect(second.sandboxes.map(({ sandbox_id }) => sandbox_id)).toEqual(['c']);
    expect(second.next).toBeUndefined();
    await expect(place.client.sandboxes.list({ limit: 0 })).rejects.toMatchObject({ status: 422 });
    await expect(place.client.sandboxes.list({ limit: 'many' })).rejects.toMatchObject({ status: 422 });
  });

  it('tells all there is to know when any field is given', async () => {
    const { sandboxes } = await place.client.sandboxes.list({ thread_id: 't-c' });
    expect(sandboxes).toMatchObject([
      { thread_id: 't-c', user_id: 'ada', metadata: { app: 'mail', tier: 'a & b' }, idle_seconds: 1_800 },
    ]);
    const { created_at, expires_at } = sandboxes[0] ?? {};
    expect(Date.parse(expires_at ?? '') - Date.parse(created_at ?? '')).toBeLessThanOrEqual(1_860_000);
  });
});

describe('a change of a sandbox', () => {
  const place = new Place({ PADDOCK_MAX_LIFE_SECONDS: '7200', PADDOCK_IDLE_SECONDS: '600' });
  const change = (fields: Omit<Parameters<typeof place.client.sandboxes.change>[0], 'sandbox_id'>) =>
    place.client.sandboxes.change({ sandbox_id: 'box', ...fields });
  const left = (expires_at: string | null | undefined) => (Date.parse(expires_at ?? '') - Date.now()) / 1000;

  beforeAll(async () => {
    await place.start();
    await place.client.sandboxes.create({ sandbox_id: 'box', metadata: { a: '1', b: '2' } });
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it('extends its time, to the maximum age and no further', async () => {
    expect(left((await change({ extend_seconds: 3_600 })).expires_at)).toBeCloseTo(3_600, -1);
    const at = new Date(Date.now() + 4_000_000).toISOString();
    expect(await change({ expires_at: at })).toMatchObject({ expires_at: at });
    const cut = await change({ extend_seconds: 100_000 });
    expect(left(cut.expires_at)).toBeCloseTo(7_200, -2);
    expect(cut.warnings).toEqual([expect.stringMatching(/cut to .*maxLifeSeconds/)]);
    expect((await change({ extend_seconds: 60 })).warnings).toBeUndefined();
  });

  it('sets how long it may be idle, for ever with 0', async () => {
    await change({ extend_seconds: 0 });
    const used = await place.run('box', 'true');
    expect(used).toBe('');
    expect(left((await change({ idle_seconds: 900 })).expires_at)).toBeCloseTo(900, -1);
    expect(await change({ idle_seconds: 0 })).toMatchObject({ idle_seconds: 0 });
  });

  it('sets and removes metadata, and leaves the rest', async () => {
    expect((await change({ metadata: { b: null, c: '3' } })).metadata).toEqual({ a: '1', c: '3' });
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`key-${i}`, 'x']));
    await expect(change({ metadata: many })).rejects.toMatchObject({ status: 422 });
    await expect(change({ metadata: { 'no spaces': 'x' } })).rejects.toMatchObject({ status: 422 });
    await expect(change({ metadata: { long: 'x'.repeat(257) } })).rejects.toMatchObject({ status: 422 });
    expect((await change({})).metadata).toEqual({ a: '1', c: '3' });
  });

  it.each([
    ['a time that is over', { expires_at: '2020-01-01T00:00:00Z' }],
    ['no time', { expires_at: 'tomorrow' }],
    ['both forms of one thing', { expires_at: '2090-01-01T00:00:00Z', extend_seconds: 1 }],
    ['a negative time', { extend_seconds: -1 }],
  ])('is refused for %s', async (_, fields) => {
    await expect(change(fields)).rejects.toMatchObject({ status: 422 });
  });

  it('is 404 for one that is not there', async () => {
    const call = place.client.sandboxes.change({ sandbox_id: 'nobody', extend_seconds: 1 });
    await expect(call).rejects.toMatchObject({ code: 'sandbox_not_found' });
  });

  it('is there after a restart of the gateway', async () => {
    await change({ idle_seconds: 1_234, extend_seconds: 5_000, metadata: { kept: 'yes' } });
    const [before] = (await place.client.sandboxes.list({ status: 'any' })).sandboxes;
    await place.restart();
    const [after] = (await place.client.sandboxes.list({ status: 'any' })).sandboxes;
    const { url } = place.gateway;
    const program_url = before?.program_url?.replace(/\d+$/, new URL(url).port);
    expect(after).toEqual({ ...before, program_url, sandbox_url: `${url}/s/box`, status: 'Pending' });
  });
});

describe('a sandbox whose server has stopped', () => {
  const place = new Place();
  beforeAll(() => place.start());
  afterAll(() => place[Symbol.asyncDispose]());

  it('is not in the list of a backend, which would end it, and serves again when it is asked for', async () => {
    await place.run('chat', 'echo kept > note');
    await place.restart();
    expect(await place.client.sandboxes.list()).toEqual({ sandboxes: [], count: 0 });
    expect((await place.client.sandboxes.list({ status: 'Pending' })).sandboxes).toMatchObject([
      { sandbox_id: 'chat', status: 'Pending' },
    ]);
    expect((await place.client.sandboxes.get({ sandbox_id: 'chat' })).status).toBe('Running');
    expect((await place.client.sandboxes.list()).sandboxes).toMatchObject([{ sandbox_id: 'chat' }]);
    expect(await place.run('chat', 'cat note')).toBe('kept\n');
  });

  it('does so too when it died under its user', async () => {
    await place.run('fragile', 'echo kept > note');
    const { output } = await place.sandbox('fragile').shell.exec({ command: 'echo $PPID' });
    expect(output).toMatch(/^\d+\n$/);
    const killed = place.sandbox('fragile').shell.exec({ command: 'kill -9 $PPID; sleep 60' });
    await expect(killed).rejects.toMatchObject({ status: 410 });
    expect((await place.client.sandboxes.get({ sandbox_id: 'fragile' })).status).toBe('Running');
    expect(await place.run('fragile', 'cat note')).toBe('kept\n');
  });
});

describe('many callers at once', () => {
  const place = new Place({ PADDOCK_WARM_SANDBOXES: '0' });
  beforeAll(() => place.start());
  afterAll(() => place[Symbol.asyncDispose]());

  it('get one sandbox for one id, by whichever way they come', async () => {
    const create = () => place.client.sandboxes.create({ sandbox_id: 'wanted' });
    const run = () =>
      new Sandbox({ baseUrl: place.gateway.url, id: 'wanted' }).bash.exec({ command: 'echo ok' });
    const calls = Array.from({ length: 40 }, (_, i) => (i % 2 ? create() : run()));
    for (const answer of await Promise.all(calls)) expect(answer).toBeTruthy();
    const { count } = await place.client.sandboxes.list({ status: 'any' });
    expect(count).toBe(1);
    expect(place.gateway.child.errors.match(/"event":"sandbox.created"/g)).toHaveLength(1);
  });

  it('get one sandbox or an honest answer while others release it', async () => {
    const calls = Array.from({ length: 30 }, (_, i) =>
      i % 3 === 2
        ? place.client.sandboxes.release({ sandbox_id: 'fought-for' }).then(() => 'released')
        : place.client.sandboxes.create({ sandbox_id: 'fought-for' }).then(
            ({ status }) => status,
            ({ code }) => code,
          ),
    );
    const answers = new Set(await Promise.all(calls));
    expect(
      [...answers].filter((answer) => !['Running', 'released', 'sandbox_failed'].includes(answer)),
    ).toEqual([]);
    await place.client.sandboxes.create({ sandbox_id: 'fought-for' });
    expect(await place.run('fought-for', 'echo alive')).toBe('alive\n');
  });
});
