/** Sandboxes that nobody uses any more are released, and no others. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { Place } from './provisioner.support.ts';

describe('a sandbox', () => {
  let gateway: Gateway | undefined;
  afterEach(async () => {
    await gateway?.[Symbol.asyncDispose]();
    gateway = undefined;
  });
  const url = () => gateway?.url ?? '';

  const start = async (settings: Record<string, string>) => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', ...settings });
  };
  const sandbox = (id: string) => new Sandbox({ baseUrl: url(), id });
  const ids = async () => {
    const { sandboxes } = await new Client({ baseUrl: url() }).sandboxes.list();
    return sandboxes.map((listed) => listed.sandbox_id).sort();
  };
  const until = async (wanted: string[]) => {
    const deadline = Date.now() + 15_000;
    while (String(await ids()) !== String(wanted)) {
      if (Date.now() > deadline) throw new Error(`there are ${await ids()}, not ${wanted}`);
      await delay(50);
    }
  };

  it('is released when it was idle, but not while a command runs, and never the one of callers who name none', async () => {
    await start({ PADDOCK_IDLE_SECONDS: '1', PADDOCK_MAX_LIFE_SECONDS: '0' });
    await sandbox('idle').shell.exec({ command: 'true' });
    await new Sandbox({ baseUrl: url() }).shell.exec({ command: 'true' });
    // No request waits for these two.
    await sandbox('busy-shell').shell.exec({ command: 'sleep 600', async_mode: true });
    await sandbox('busy-bash').bash.exec({ command: 'sleep 600', async_mode: true });
    const waiting = sandbox('waiting').bash.exec({ command: 'sleep 3; echo done' });
    await until(['busy-bash', 'busy-shell', 'default', 'waiting']);
    expect((await waiting).stdout).toBe('done\n');
    await until(['busy-bash', 'busy-shell', 'default']);
  });

  it('is released at its maximum age, whatever it does', async () => {
    await start({ PADDOCK_IDLE_SECONDS: '0', PADDOCK_MAX_LIFE_SECONDS: '1' });
    await sandbox('busy').shell.exec({ command: 'sleep 600', async_mode: true });
    await until([]);
  });

  it('has had its time when it was not used for so long, also while no gateway ran', async () => {
    await using place = new Place();
    await place.start({ PADDOCK_IDLE_SECONDS: '600' });
    await place.run('unused', 'echo kept > note');
    await place.run('used', 'echo kept > note');
    await place.stop();
    // The clock of the test: what was written down is an hour older.
    for (const file of globSync(place.path('data/sandboxes/*/sandbox.json'))) {
      const record = JSON.parse(readFileSync(file, 'utf8'));
      if (record.id === 'unused') record.notes.lastUsedMs -= 3_600_000;
      expect(Date.now() - record.notes.lastUsedMs).toBeGreaterThan(0);
      writeFileSync(file, JSON.stringify(record));
    }
    await place.start({ PADDOCK_IDLE_SECONDS: '600' });
    const left = async () => {
      const { sandboxes } = await place.client.sandboxes.list({ status: 'any' });
      return sandboxes.map(({ sandbox_id }) => sandbox_id);
    };
    while (String(await left()) !== 'used') await delay(50);
    expect(await place.run('used', 'cat note')).toBe('kept\n');
  });

  it('has its last use on record before its gateway is killed, that of a command that nobody waits for too', async () => {
    await using place = new Place();
    await place.start({ PADDOCK_IDLE_SECONDS: '4' });
    await place.sandbox('chat').bash.exec({ command: 'sleep 600', async_mode: true });
    const [startedMs, [file = '']] = [Date.now(), globSync(place.path('data/sandboxes/*/sandbox.json'))];
    const lastUsedMs = (): number => JSON.parse(readFileSync(file, 'utf8')).notes.lastUsedMs;
    for (let tries = 0; lastUsedMs() < startedMs + 1_000; tries++) {
      expect(tries).toBeLessThan(200);
      await delay(50);
    }
    process.kill(place.gateway.child.pid, 'SIGKILL');
    await place.gateway.child.ended;
    const recordedMs = lastUsedMs();
    await place.restart({ PADDOCK_IDLE_SECONDS: '600' });
    const [chat] = (await place.client.sandboxes.list({ status: 'any' })).sandboxes;
    expect(Date.parse(chat?.expires_at ?? '')).toBe(recordedMs + 600_000);
  });

  it('lives for ever where both times are 0', async () => {
    await start({ PADDOCK_IDLE_SECONDS: '0', PADDOCK_MAX_LIFE_SECONDS: '0' });
    await sandbox('old').shell.exec({ command: 'true' });
    await delay(2_000);
    expect(await ids()).toEqual(['old']);
  });
});
