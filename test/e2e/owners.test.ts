/** Named keys make owners, and owners do not see each other. */
import { createHash } from 'node:crypto';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const keys = { ada: 'ada-first-key', bob: 'bob-first-key', next: 'ada-second-key' };

describe('owners', () => {
  let folder: string;
  let gateway: Gateway;
  const file = () => join(folder, 'keys.yaml');
  const client = (apiKey: string) => new Client({ baseUrl: gateway.url, apiKey });
  const sandbox = (apiKey: string, id: string) => new Sandbox({ baseUrl: gateway.url, apiKey, id });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const hash = createHash('sha256').update(keys.bob).digest('hex');
    writeFileSync(file(), `ada: ${keys.ada}\nbob: [sha256:${hash}]\n`);
    gateway = await startGateway({
      PADDOCK_NETWORK: 'none',
      PADDOCK_KEYS_FILE: file(),
      PADDOCK_MAX_SANDBOXES_PER_OWNER: '2',
    });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  it('have sandboxes of their own under the same id, and do not list those of others', async () => {
    const command = 'cat whose 2>/dev/null || echo nobody';
    await sandbox(keys.ada, 'chat').shell.exec({ command: 'echo ada > whose' });
    expect((await sandbox(keys.bob, 'chat').shell.exec({ command })).output).toBe('nobody\n');
    expect((await sandbox(keys.ada, 'chat').shell.exec({ command })).output).toBe('ada\n');
    await client(keys.ada).sandboxes.create({ sandbox_id: 'second' });
    expect((await client(keys.bob).sandboxes.list()).sandboxes.map((listed) => listed.sandbox_id)).toEqual([
      'chat',
    ]);
    await expect(client(keys.bob).sandboxes.get({ sandbox_id: 'second' })).rejects.toMatchObject({
      code: 'sandbox_not_found',
    });
    await expect(
      client(keys.bob).sandboxes.change({ sandbox_id: 'second', extend_seconds: 1 }),
    ).rejects.toMatchObject({ code: 'sandbox_not_found' });
    expect((await client(keys.bob).sandboxes.list({ status: 'any' })).total).toBe(1);
    await client(keys.bob).sandboxes.release({ sandbox_id: 'second' });
    expect((await client(keys.ada).sandboxes.get({ sandbox_id: 'second' })).status).toBe('Running');
  });

  it('cannot have more than their share, and hear which setting that is', async () => {
    const third = client(keys.ada).sandboxes.create({ sandbox_id: 'third' });
    await expect(third).rejects.toMatchObject({
      status: 429,
      code: 'sandbox_limit',
      message: expect.stringContaining('maxSandboxesPerOwner'),
    });
    await client(keys.bob).sandboxes.create({ sandbox_id: 'third' });
  });

  it('change their keys without a restart, with both good for a while', async () => {
    const good = async (key: string) =>
      client(key)
        .sandboxes.list()
        .then(
          () => true,
          () => false,
        );
    const write = (text: string) => {
      writeFileSync(`${file()}.new`, text);
      renameSync(`${file()}.new`, file());
    };
    const until = async (condition: () => Promise<boolean>) => {
      for (let i = 0; !(await condition()); i++) {
        if (i === 100) throw new Error('the keys were not read again');
        await delay(50);
      }
    };
    write(`ada: [${keys.ada}, ${keys.next}]\n`);
    await until(() => good(keys.next));
    expect(await good(keys.ada)).toBe(true);
    write(`ada: ${keys.next}\n`);
    await until(async () => !(await good(keys.ada)));
    expect(await good(keys.next)).toBe(true);
    write('ada: [short\n');
    await delay(1_100);
    expect(await good(keys.next)).toBe(true);
  });
});
