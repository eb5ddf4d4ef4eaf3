/** Keys, whose sandboxes they open, and where they may be seen. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { programHost, startProgram } from '../support/programs.ts';
import { WebSocketClient } from '../support/websocket.ts';
import { run } from './inside.ts';

const keys = { ada: 'key-of-ada-5f1c', bob: 'key-of-bob-77aa', old: 'key-taken-back-31' };

describe('Keys and owners', () => {
  let folder: string;
  let gateway: Gateway;
  let log = '';
  const adas = { url: '', secret: '' };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'owners-'));
    writeFileSync(join(folder, 'keys.yaml'), `ada: [${keys.ada}, ${keys.old}]\nbob: ${keys.bob}\n`);
    gateway = await startGateway({
      PADDOCK_NETWORK: 'none',
      PADDOCK_WARM_SANDBOXES: '2',
      PADDOCK_KEYS_FILE: join(folder, 'keys.yaml'),
      PADDOCK_AUDIT_FILE: join(folder, 'audit'),
      PADDOCK_DATA_DIR: join(folder, 'data'),
      PADDOCK_LOG_LEVEL: 'debug',
    });
    gateway.child.process.stderr?.on('data', (text: string) => {
      log += text;
    });
    await startProgram(gateway, 'shared', keys.ada);
    const { body } = await send('GET', '/api/sandboxes/shared', keys.ada);
    adas.url = new URL(JSON.parse(body).sandbox_url).pathname;
    adas.secret = adas.url.slice(adas.url.indexOf('.') + 1);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const send = (
    method: string,
    path: string,
    key?: string,
    headers: Record<string, string> = {},
    body?: unknown,
  ) =>
    gateway.connection.send(method, path, body, {
      ...(key !== undefined && { 'x-api-key': key }),
      ...headers,
    });

  it('no key, a wrong one, or a part of one', async () => {
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
    expect((await send('GET', '/api/sandboxes', undefined, bearer(keys.ada))).status).toBe(200);
    expect(
      (await send('GET', '/api/sandboxes', undefined, { authorization: basic(`x:${keys.ada}`) })).status,
    ).toBe(200);
    const wrong: Record<string, string>[] = [
      {},
      { 'x-api-key': '' },
      { 'x-api-key': keys.ada.slice(0, -1) },
      { 'x-api-key': `${keys.ada}x` },
      { 'x-api-key': keys.ada.toUpperCase() },
      { 'x-api-key': `${keys.ada}, ${keys.bob}` },
      { 'x-api-key': 'ada' },
      { 'x-api-key': 'constructor' },
      bearer(''),
      bearer('undefined'),
      { authorization: keys.ada },
      { authorization: `Digest ${keys.ada}` },
      { authorization: basic('') },
      { authorization: basic(':') },
      { cookie: `api_key=${keys.ada}` },
    ];
    const paths = [
      '/api/sandboxes',
      '/v1/sandbox',
      '/v1/shell/sessions',
      '/s/shared/v1/sandbox',
      '/s/shared/proxy/3000/',
    ];
    for (const headers of wrong)
      for (const path of paths)
        expect([headers, path, (await send('GET', path, undefined, headers)).status]).toEqual([
          headers,
          path,
          401,
        ]);
  });

  it('a key that was taken back', async () => {
    expect((await send('GET', '/api/sandboxes', keys.old)).status).toBe(200);
    writeFileSync(join(folder, 'keys.yaml'), `ada: ${keys.ada}\nbob: ${keys.bob}\n`);
    await expect
      .poll(async () => (await send('GET', '/api/sandboxes', keys.old)).status, { timeout: 10_000 })
      .toBe(401);
    expect((await send('GET', '/api/sandboxes', keys.ada)).status).toBe(200);
  });

  it('the id of another owner’s sandbox, in each form', async () => {
    const read = '/v1/file/download?path=/mnt/user-data/workspace/whose';
    const host = { host: programHost(gateway, 'shared', 3000, 'ada') };
    const forms: [string, string, Record<string, string>, unknown?][] = [
      ['GET', `/s/shared${read}`, {}],
      ['GET', '/s/shared/v1/sandbox', {}],
      ['GET', '/s/shared/proxy/3000/', {}],
      ['GET', '/', host],
      ['GET', '/api/sandboxes/shared', {}],
      ['GET', '/api/sandboxes/shared/logs', {}],
      ['PATCH', '/api/sandboxes/shared', {}, { idle_seconds: 60 }],
    ];
    for (const [method, path, headers, body] of forms) {
      const label = `${method} ${path}`;
      expect([label, (await send(method, path, keys.ada, headers, body)).status]).toEqual([label, 200]);
      expect([label, (await send(method, path, keys.bob, headers, body)).status]).toEqual([label, 404]);
    }
    // By a header it is a sandbox of their own, and to end it ends nothing.
    const byHeader = { 'x-sandbox-id': 'shared' };
    expect((await send('GET', read, keys.ada, byHeader)).body).toContain("shared's own");
    expect((await send('GET', read, keys.bob, byHeader)).status).toBe(404);
    expect((await send('DELETE', '/api/sandboxes/shared', keys.bob)).status).toBe(200);
    expect((await send('GET', read, keys.ada, byHeader)).body).toContain("shared's own");
    await using socket = new WebSocketClient(`${gateway.url}/s/shared/v1/shell/ws`, {
      'x-api-key': keys.bob,
    });
    expect(await socket.opened).toContain('404');
    for (const list of ['', '?status=any', '?status=any&user_id=default', '?limit=1'])
      expect((await send('GET', `/api/sandboxes${list}`, keys.bob)).body).not.toContain('shared');
  });

  it('the secret of one sandbox’s URL, for another', async () => {
    await run(gateway, 'other', 'true', keys.ada);
    await run(gateway, 'shared', 'true', keys.bob);
    const { secret } = adas;
    expect((await send('GET', `${adas.url}/v1/sandbox`)).status).toBe(200);
    const wrong = [
      `/s/other.${secret}`,
      `/s/shared.${secret.slice(0, -1)}`,
      `/s/shared.${secret}x`,
      `/s/shared.${secret.toLowerCase()}`,
      `/s/shared.`,
      `/s/shared..${secret}`,
      `/s/.${secret}`,
      `/s/shared.${encodeURIComponent('%00')}`,
    ];
    for (const path of wrong)
      expect([path, (await send('GET', `${path}/v1/sandbox`)).status]).toEqual([
        path,
        expect.toSatisfy((status: number) => status === 401 || status === 404 || status === 422),
      ]);
    // It opens the sandbox, not the gateway.
    expect((await send('GET', '/api/sandboxes', secret)).status).toBe(401);
    expect((await send('GET', `/api/sandboxes/shared.${secret}`)).status).not.toBe(200);
    expect((await send('GET', `${adas.url}/../../api/sandboxes`)).status).not.toBe(200);
  });

  it('a key that the sandbox is to hear', async () => {
    const key = keys.ada;
    const basic = `Basic ${Buffer.from(`any:${key}`).toString('base64')}`;
    const ways: [string, Record<string, string>][] = [
      ['/x?a=1', { 'x-api-key': key }],
      ['/x?a=1', { 'X-AIO-API-KEY': key }],
      ['/x?a=1', { authorization: `bearer ${key}` }],
      ['/x?a=1', { authorization: basic }],
      [`/x?api_key=${key}&a=1`, {}],
      [`/x?a=1&api%5Fkey=${key}`, {}],
      [`/x?a=1&%61pi_key=${key}`, {}],
      [`/x?a=1&api_key=wrong&api_key=${key}`, {}],
    ];
    const places: [string, Record<string, string>][] = [
      ['/s/shared/proxy/3000', {}],
      ['', { host: programHost(gateway, 'shared', 3000, 'ada') }],
    ];
    for (const [path, headers] of ways)
      for (const [prefix, host] of places) {
        const { status, body } = await send('GET', prefix + path, undefined, { ...headers, ...host });
        expect([path, status, JSON.parse(body).url]).toEqual([path, 200, '/x?a=1']);
        for (const heard of [key, basic.slice(6), adas.secret]) expect(body).not.toContain(heard);
      }
    const everything = 'env; cat /proc/[0-9]*/environ /run/paddock/* 2> /dev/null | tr "\\0" "\\n"';
    const seen = await run(gateway, 'shared', everything, key);
    expect(seen).toContain('SANDBOX_ID=shared');
    for (const secret of [...Object.values(keys), adas.secret]) expect(seen).not.toContain(secret);
  });

  it('keys in logs, in the audit, on command lines and on disk', async () => {
    await send('GET', `/v1/nothing?api_key=${keys.ada}`);
    await send('GET', `/v1/nothing?api_key=${keys.bob}wrong`);
    await send('POST', `${adas.url}/v1/shell/exec`, undefined, {}, { command: 'kill -9 $PPID; sleep 9' });
    await send('GET', `${adas.url}/v1/sandbox`);
    await send('DELETE', '/api/sandboxes/other', keys.ada);
    await expect.poll(() => log, { timeout: 10_000 }).toContain('"event":"sandbox.ended"');
    const audit = readFileSync(join(folder, 'audit'), 'utf8');
    const commandLine = readFileSync(`/proc/${gateway.child.pid}/cmdline`, 'utf8');
    const kept = readdirSync(join(folder, 'data', 'sandboxes'), { withFileTypes: true }).flatMap(({ name }) =>
      ['log', 'sandbox.json'].map((file) => content(join(folder, 'data', 'sandboxes', name, file))),
    );
    expect(audit).toContain('"id":"shared"');
    expect(kept.join()).toContain('"id":"shared"');
    for (const secret of [...Object.values(keys), adas.secret])
      for (const text of [log, audit, commandLine, ...kept]) expect(text).not.toContain(secret);
  });
});

function content(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // A server that is nobody's has neither.
  }
}
