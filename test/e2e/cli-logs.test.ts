/** Whose the log of a sandbox is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Gateway as Client } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

let folder: string;
let gateway: Gateway;
const client = (apiKey: string) => new Client({ baseUrl: gateway.url, apiKey });
const logOf = async (apiKey: string, request: { sandbox_id: string }) =>
  String(await buffer(await client(apiKey).sandboxes.logs(request)));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'logs-'));
  writeFileSync(join(folder, 'keys.yaml'), 'ada: ada-first-key\nbob: bob-first-key\n');
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_KEYS_FILE: join(folder, 'keys.yaml') });
  await client('ada-first-key').sandboxes.create({ sandbox_id: 'box' });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('the log of a sandbox', () => {
  it('is its owner’s alone', async () => {
    expect(await logOf('ada-first-key', { sandbox_id: 'box' })).toMatch(/ life claimed\n/);
    await expect(logOf('bob-first-key', { sandbox_id: 'box' })).rejects.toMatchObject({
      code: 'sandbox_not_found',
    });
    await expect(logOf('nobodys-key', { sandbox_id: 'box' })).rejects.toMatchObject({ code: 'unauthorized' });
  });
});
