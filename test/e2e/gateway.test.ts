/** What callers of a gateway may rely on, with real sandboxes behind it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Connection } from '../support/connection.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const quick = { PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' };

describe('a gateway without keys', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway(quick);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const send = (...args: Parameters<Connection['send']>) => gateway.connection.send(...args);
  const exec = (id: string, command: string) =>
    send('POST', '/v1/shell/exec', { command }, { 'x-sandbox-id': id });

  it('answers the probe before there is a sandbox, and makes none for it', async () => {
    expect((await send('GET', '/v1/sandbox')).status).toBe(200);
    expect((await send('GET', '//v1/sandbox')).status).toBe(200);
    expect((await send('GET', '/v1/sandbox', undefined, { 'x-sandbox-id': 'asked-only' })).status).toBe(200);
    expect(await gateway.connection.call('GET', '/api/sandboxes')).toEqual({ sandboxes: [], count: 0 });
  });

  it('makes one sandbox when many ask for the same id at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        exec('crowd', 'cat /proc/sys/kernel/random/boot_id; ls /proc | grep -c "^[0-9]"'),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const boots = new Set(answers.map(({ headers }) => headers['x-paddock-boot-id']));
    expect(boots.size).toBe(1);
  });

  it('answers 404 for a path to a sandbox that does not exist, instead of an empty new one', async () => {
    const { status, body } = await send('POST', '/s/nobody/v1/shell/exec', { command: 'true' });
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ success: false, code: 'sandbox_not_found' });
  });

  it.each([['a b'], ['../x'], ['x'.repeat(65)]])(
    'refuses the id %j with the details that clients parse',
    async (id) => {
      const { status, body } = await exec(id, 'true');
      expect(status).toBe(422);
      expect(JSON.parse(body).detail[0].loc).toEqual(['header', 'x-sandbox-id']);
    },
  );

  it('serves the provisioner API: create again is the same, release twice is no error', async () => {
    const created = await send('POST', '/api/sandboxes', {
      sandbox_id: 'conv_1',
      thread_id: 't',
      user_id: 'u',
    });
    const url = `${gateway.url}/s/conv_1`;
    expect(JSON.parse(created.body)).toMatchObject({
      sandbox_id: 'conv_1',
      sandbox_url: url,
      status: 'Running',
    });
    expect((await send('POST', '/api/sandboxes', { sandbox_id: 'conv_1' })).body).toBe(created.body);
    expect((await send('GET', '/api/sandboxes/conv_1')).body).toBe(created.body);
    expect((await send('GET', '/s/conv_1/v1/sandbox')).status).toBe(200);
    for (let i = 0; i < 2; i++) {
      expect(await gateway.connection.call('DELETE', '/api/sandboxes/conv_1')).toEqual({
        ok: true,
        sandbox_id: 'conv_1',
      });
    }
    expect((await send('GET', '/api/sandboxes/conv_1')).status).toBe(404);
  });

  it('says in its first answer that a sandbox is not the one that had its id before', async () => {
    await exec('again', 'true');
    await gateway.connection.call('DELETE', '/api/sandboxes/again');
    expect(JSON.parse((await exec('again', 'true')).body).hint).toMatch(/has ended \(released\).*new one/);
    expect(JSON.parse((await exec('again', 'true')).body).hint).toBeUndefined();
  });

  it('names the mounts that it leaves out', async () => {
    const mount = { host_path: '/etc', container_path: '/mnt/acp-workspace', read_only: true };
    const { body, status } = await send('POST', '/api/sandboxes', {
      sandbox_id: 'mounts',
      extra_mounts: [mount],
    });
    expect(status).toBe(200);
    expect(JSON.parse(body).warnings).toEqual([expect.stringContaining('/mnt/acp-workspace')]);
  });

  it('answers 410 when the sandbox dies under a command, and the next request finds its files', async () => {
    await exec('fragile', 'echo kept > /mnt/user-data/workspace/kept');
    const killed = await exec('fragile', 'kill -9 $PPID; sleep 60');
    expect(killed.status).toBe(410);
    expect(JSON.parse(killed.body)).toMatchObject({ code: 'sandbox_died' });
    const after = await exec('fragile', 'cat /mnt/user-data/workspace/kept');
    expect(JSON.parse(after.body).data).toMatchObject({ output: 'kept\n', exit_code: 0 });
    expect(JSON.parse(after.body).hint).toMatch(/restarted.*sessions lost/);
    expect(JSON.parse((await exec('fragile', 'true')).body).hint).toBeUndefined();
  });

  it('sends a request nowhere else when a sandbox puts another socket in the place of its own', async () => {
    await exec('honest', 'true');
    const swap =
      'cd /run/paddock && mv server.sock old && ln -s /run/does-not-matter server.sock; ls -l server.sock | grep -c does-not-matter';
    expect(JSON.parse((await exec('liar', swap)).body).data.output).toBe('1\n');
    // The gateway still talks to the server that it started.
    expect(JSON.parse((await exec('liar', 'echo mine')).body).data.output).toBe('mine\n');
  });

  it('streams what a command prints when it prints it', async () => {
    const answer = await fetch(`${gateway.url}/v1/shell/exec`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'x-sandbox-id': 'stream' },
      body: JSON.stringify({ command: 'echo first; read -r line; echo "then $line"', id: 's' }),
    });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    let said = '';
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const before = said;
      said += chunk;
      // The command goes on only when its first line has been seen.
      if (!before.includes('first') && said.includes('first')) {
        await send(
          'POST',
          '/v1/shell/write',
          { id: 's', input: 'go', press_enter: true },
          { 'x-sandbox-id': 'stream' },
        );
      }
    }
    expect(said).toMatch(/event: output[\s\S]*first[\s\S]*event: result[\s\S]*then go[\s\S]*"exit_code":0/);
  });

  it('describes its API', async () => {
    const { paths } = (await gateway.connection.call('GET', '/openapi.json')) as {
      paths: Record<string, unknown>;
    };
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(['/v1/shell/exec', '/api/sandboxes/{sandbox_id}']),
    );
    expect(Object.keys(paths)).not.toContain('/bind');
  });

  it('keeps pages of other origins and names that were pointed at it out', async () => {
    expect((await send('GET', '/v1/sandbox', undefined, { host: 'rebound.example' })).status).toBe(403);
    expect((await exec('x', 'true')).status).toBe(200);
    const origin = { origin: 'http://evil.example' };
    expect((await send('POST', '/v1/shell/exec', { command: 'true' }, origin)).status).toBe(403);
  });

  it('lets no second gateway use its data folder', async () => {
    const folder =
      readFileSync(`/proc/${gateway.child.pid}/environ`, 'utf8').match(/PADDOCK_DATA_DIR=([^\0]*)/)?.[1] ??
      '';
    await expect(startGateway({ ...quick, PADDOCK_DATA_DIR: folder })).rejects.toThrow(
      /another gateway uses the data folder/,
    );
  });
});

describe('a gateway with a key', () => {
  const key = 'correct-horse';
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ ...quick, SANDBOX_API_KEY: key });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await gateway.connection.send('GET', path, undefined, headers)).status;
  const basic = (credentials: string) => ({
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  });

  it.each([
    ['X-API-Key', '/api/sandboxes', { 'x-api-key': key }],
    ['X-AIO-API-Key', '/api/sandboxes', { 'x-aio-api-key': key }],
    ['Bearer', '/api/sandboxes', { authorization: `Bearer ${key}` }],
    ['Basic with the key as password', '/api/sandboxes', basic(`anyone:${key}`)],
    ['the query', `/api/sandboxes?api_key=${key}`, {}],
    ['the query, for a sandbox', `/v1/shell/sessions?api_key=${key}`, {}],
  ])('takes it as %s', async (_, path, headers) => {
    expect(await status(path, headers)).toBe(200);
  });

  it.each([
    ['no key', '/api/sandboxes', {}],
    ['another key', '/api/sandboxes', { 'x-api-key': 'correct-hors' }],
    ['no key for a sandbox', '/v1/shell/sessions', {}],
    ['no key for the probe', '/v1/sandbox', {}],
    ['an empty key', '/api/sandboxes', { 'x-api-key': '' }],
  ])('refuses %s', async (_, path, headers) => {
    expect(await status(path, headers)).toBe(401);
  });

  it('tells without a key that it serves', async () => {
    expect(await status('/health')).toBe(200);
  });

  it('hands out a sandbox URL that opens that sandbox and no other, without a key', async () => {
    const client = new Client({ baseUrl: gateway.url, apiKey: key });
    const { sandbox_url } = await client.sandboxes.create({ sandbox_id: 'mine' });
    await client.sandboxes.create({ sandbox_id: 'other' });
    const { output } = await new Sandbox({ baseUrl: sandbox_url }).shell.exec({ command: 'echo in' });
    expect(output).toBe('in\n');
    const secret = sandbox_url.slice(sandbox_url.lastIndexOf('.') + 1);
    expect(await status(`/s/other.${secret}/v1/sandbox`)).toBe(401);
    expect(await status(`/s/mine.${secret.slice(1)}/v1/sandbox`)).toBe(401);
    expect(await status('/s/mine/v1/sandbox')).toBe(401);
  });
});

describe('a gateway that ends', () => {
  const exec = (gateway: Gateway, command: string) =>
    new Sandbox({ baseUrl: gateway.url, id: 'chat' }).shell.exec({ command });

  it('by kill -9 leaves no process of a sandbox, and the next one on its data finds the files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'data-'));
    try {
      const settings = { ...quick, PADDOCK_NETWORK: 'auto', PADDOCK_DATA_DIR: folder };
      {
        await using gateway = await startGateway(settings);
        await exec(gateway, 'echo kept > kept; sleep 4712 & sleep 0.1');
        expect(processesWith(folder, '4712')).not.toEqual([]);
        process.kill(gateway.child.pid, 'SIGKILL');
        await gateway.child.ended;
        await gone(() => processesWith(folder, '4712'));
      }
      await using gateway = await startGateway(settings);
      expect((await exec(gateway, 'cat kept')).output).toBe('kept\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does not start where everyone could reach it without a key', async () => {
    const open = { ...quick, PADDOCK_HOST: '0.0.0.0' };
    await expect(startGateway(open)).rejects.toThrow(/hint:.*SANDBOX_API_KEY/s);
  });
});

/** Pids of processes whose command line holds one of the texts. */
function processesWith(...texts: string[]): string[] {
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && texts.some((text) => commandLine(pid).includes(text)),
  );
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // It has ended meanwhile.
  }
}

async function gone(list: () => string[]): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (list().length > 0) {
    if (Date.now() > deadline) throw new Error(`still there: ${list().map(commandLine).join('; ')}`);
    await delay(20);
  }
}
