/** The account of sandboxes: a line for each create and each end, in the log and in a file. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Place } from './provisioner.support.ts';

const key = 'a-key-that-no-line-may-hold';

describe('the audit', () => {
  // Quiet otherwise: these lines do not depend on the level of the log.
  const place = new Place({
    PADDOCK_LOG_LEVEL: 'error',
    PADDOCK_AUDIT_FILE: '$PLACE/audit.jsonl',
    SANDBOX_API_KEY: key,
  });
  beforeAll(() => place.start());
  afterAll(() => place[Symbol.asyncDispose]());

  const client = () => new Client({ baseUrl: place.gateway.url, apiKey: key });
  const sandbox = (id: string) => new Sandbox({ baseUrl: place.gateway.url, apiKey: key, id });
  const parsed = (text: string): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line.includes('"event"'))
      .map((line) => JSON.parse(line));
  const linesOf = (id: string) =>
    parsed(readFileSync(place.path('audit.jsonl'), 'utf8')).filter((line) => line.id === id);
  const ended = async (id: string) => {
    for (let tries = 0; !linesOf(id).some(({ event }) => event === 'sandbox.ended'); tries++) {
      expect(tries).toBeLessThan(100);
      await delay(50);
    }
    return linesOf(id);
  };

  it('says who made which sandbox, why it ended, and how long it lived', async () => {
    await client().sandboxes.create({ sandbox_id: 'asked' });
    await client().sandboxes.release({ sandbox_id: 'asked' });
    const common = {
      owner: 'owner',
      id: 'asked',
      name: expect.stringMatching(/^[0-9a-f]{32}$/),
      time: expect.any(String),
    };
    expect(linesOf('asked')).toEqual([
      { ...common, event: 'sandbox.created' },
      { ...common, event: 'sandbox.ended', reason: 'request', lived_seconds: expect.any(Number) },
    ]);
    const logged = parsed(place.gateway.child.errors).filter(({ id }) => id === 'asked');
    expect(logged).toMatchObject([
      { event: 'sandbox.created' },
      { event: 'sandbox.ended', reason: 'request' },
    ]);
  });

  it('tells idleness from a server that died, and from a gateway that stopped', async () => {
    await client().sandboxes.create({ sandbox_id: 'idle' });
    await client().sandboxes.change({ sandbox_id: 'idle', extend_seconds: 0 });
    expect((await ended('idle')).at(-1)).toMatchObject({ event: 'sandbox.ended', reason: 'idle' });

    const killed = sandbox('dies').shell.exec({ command: 'kill -9 $PPID; sleep 60' });
    await expect(killed).rejects.toMatchObject({ status: 410 });
    await sandbox('dies').bash.exec({ command: 'true' });
    await place.restart();
    expect(linesOf('dies')).toMatchObject([
      { event: 'sandbox.created' },
      { event: 'sandbox.stopped', reason: 'failure', detail: expect.any(String) },
      { event: 'sandbox.resumed' },
      { event: 'sandbox.stopped', reason: 'shutdown' },
    ]);
    await client().sandboxes.release({ sandbox_id: 'dies' });
    expect(linesOf('dies').at(-1)).toMatchObject({ event: 'sandbox.ended', reason: 'request' });
  });

  it('tells the maximum age', async () => {
    await place.restart({ PADDOCK_MAX_LIFE_SECONDS: '1' });
    await client().sandboxes.create({ sandbox_id: 'old' });
    const last = (await ended('old')).at(-1);
    expect(last).toMatchObject({ event: 'sandbox.ended', reason: 'absolute' });
    expect(last?.lived_seconds).toBeGreaterThanOrEqual(1);
  });

  it('holds no key', () => {
    expect(readFileSync(place.path('audit.jsonl'), 'utf8')).not.toContain(key);
    expect(place.gateway.child.errors).not.toContain(key);
  });

  it('is missed at the start when its file cannot be written', async () => {
    await place.stop();
    await expect(place.start({ PADDOCK_AUDIT_FILE: '$PLACE/none/audit' })).rejects.toThrow(
      /error: auditFile/,
    );
  });
});
