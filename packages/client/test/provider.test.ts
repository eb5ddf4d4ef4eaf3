import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AioSandboxProvider, loadProvider } from '../src/index.ts';
import { failureOf } from './failure.ts';
import { listenAndAnswer } from './server.ts';

const use = 'src.community.aio_sandbox:AioSandboxProvider';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'provider-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function config(text: string): string {
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

/** Answers everything as a gateway that has made a sandbox would, and hears what it was asked. */
const gateway = (sandboxUrl: string) =>
  listenAndAnswer(200, {
    ...{ sandbox_id: 'x', sandbox_url: sandboxUrl, status: 'Running', ok: true },
    ...{ success: true, data: { file: '/a', content: 'text' } },
  });

describe('a provider', () => {
  it('gives a conversation the same sandbox each time, and others another', async () => {
    await using server = await gateway('http://elsewhere');
    await using provider = new AioSandboxProvider({ baseUrl: server.url });
    const [first, again, other, none] = [
      await provider.acquire('thread-1'),
      await provider.acquire('thread-1'),
      await provider.acquire('ein Gespräch'),
      await provider.acquire(),
    ];
    expect(first).toBe(again);
    expect(new Set([first, other, none]).size).toBe(3);
    expect(await provider.get(first)?.files.read('/a')).toBe('text');
    const asked = server.heard.map(({ url, body }) => [url, body]);
    expect(asked[0]).toEqual(['/api/sandboxes', { sandbox_id: first, thread_id: 'thread-1' }]);
    // Not every name of a conversation is one that the API takes.
    expect(asked[2]).toEqual(['/api/sandboxes', { sandbox_id: other }]);
    expect(asked.at(-1)?.[0]).toBe(`/s/${first}/v1/file/read`);
  });

  it('speaks to a sandbox where the provisioner says that it is', async () => {
    await using sandbox = await gateway('');
    await using server = await gateway(`${sandbox.url}/s/x.secret`);
    const provider = new AioSandboxProvider({ baseUrl: 'http://127.0.0.1:1', provisionerUrl: server.url });
    const id = await provider.acquire('thread-1');
    await provider.get(id)?.files.read('/a');
    expect(sandbox.heard.map(({ url }) => url)).toEqual(['/s/x.secret/v1/file/read']);
  });

  it('releases one on demand, and what is left at shutdown', async () => {
    await using server = await gateway('http://elsewhere');
    const provider = new AioSandboxProvider({ baseUrl: server.url });
    const [first, second] = [await provider.acquire('1'), await provider.acquire('2')];
    await provider.release(first);
    expect(provider.get(first)).toBeUndefined();
    await provider.shutdown();
    expect(provider.get(second)).toBeUndefined();
    const ended = server.heard.filter(({ method }) => method === 'DELETE').map(({ url }) => url);
    expect(ended).toEqual([`/api/sandboxes/${first}`, `/api/sandboxes/${second}`]);
  });
});

describe('config.yaml', () => {
  it('chooses the provider, with values from the environment and keys of others left alone', async () => {
    await using server = await gateway('http://elsewhere');
    const text = `models: [a]\nsandbox:\n  use: ${use}\n  base_url: $BOX\n  api_key: $KEY\n  port: 1\n`;
    await using provider = await loadProvider(config(text), { env: { BOX: server.url, KEY: 'k' } });
    await provider.acquire('t');
    expect(server.heard[0]?.headers['x-api-key']).toBe('k');
  });

  it.each([
    ['a provider that is not known', 'sandbox: {use: "a:B"}', 'sandbox.use: a:B, which is not known'],
    ['no section', 'models: []', 'sandbox: '],
    ['a variable that is not set', `sandbox: {use: "${use}", base_url: $BOX}`, 'sandbox.base_url is $BOX'],
  ])('with %s says so, and what to write', async (_, text, message) => {
    const error = await failureOf(loadProvider(config(text), { env: {} }));
    expect(error.code).toBe('invalid_config');
    expect(error.message).toContain(message);
    expect(error.hint).not.toBe('');
  });
});
