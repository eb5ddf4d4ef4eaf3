/** Sandboxes that nobody uses any more are released, and no others. */
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

describe('a sandbox', () => {
  let gateway: Gateway;
  afterEach(() => gateway[Symbol.asyncDispose]());

  const start = async (settings: Record<string, string>) => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', ...settings });
  };
  const sandbox = (id: string) => new Sandbox({ baseUrl: gateway.url, id });
  const ids = async () => {
    const { sandboxes } = await new Client({ baseUrl: gateway.url }).sandboxes.list();
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
    await new Sandbox({ baseUrl: gateway.url }).shell.exec({ command: 'true' });
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

  it('lives for ever where both times are 0', async () => {
    await start({ PADDOCK_IDLE_SECONDS: '0', PADDOCK_MAX_LIFE_SECONDS: '0' });
    await sandbox('old').shell.exec({ command: 'true' });
    await delay(2_000);
    expect(await ids()).toEqual(['old']);
  });
});
