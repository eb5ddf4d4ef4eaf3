/** Binding, and the tokens that let the gateway in. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokenHeader } from '@paddock/protocol';
import { formatPublicKeys, keyId, signToken, type TokenScope } from '@paddock/protocol/token';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Child } from '../support/child.ts';
import { Connection } from '../support/connection.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { root } from '../support/source.ts';
import { makeLie, run } from './inside.ts';
import { exchange, written } from './raw.ts';

const bind = { name: '0'.repeat(32), sandbox_id: 'mine', env: { FIRST: 'first' }, files: [] };
const nowSeconds = () => Math.floor(Date.now() / 1000);

describe('Binding a sandbox server', () => {
  const keys = generateKeyPairSync('ed25519');
  const others = generateKeyPairSync('ed25519');
  const id = keyId(keys.publicKey);
  const server = randomUUID();
  const token = (scope: TokenScope, of = server, expires = nowSeconds() + 60, key = keys.privateKey) =>
    signToken(key, id, { scope, server: of, expires });

  let folder: string;
  let port: number;
  let child: Child;
  let connection: Connection;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bind-'));
    for (const name of ['run', 'workspace']) mkdirSync(join(folder, name));
    port = await freePort();
    child = new Child(join(root, 'dist/sandbox/main.cjs'), {
      PATH: process.env.PATH,
      HOME: folder,
      USER: 'user',
      TMPDIR: process.env.TMPDIR,
      LEAK_CHECK_RUN: process.env.LEAK_CHECK_RUN,
      PADDOCK_LISTEN: `127.0.0.1:${port}`,
      PADDOCK_SERVER_ID: server,
      PADDOCK_PUBLIC_KEYS: formatPublicKeys(new Map([[id, keys.publicKey]])),
      PADDOCK_RUN_DIR: join(folder, 'run'),
      PADDOCK_WORKSPACE: join(folder, 'workspace'),
    });
    await child.firstLine(1);
    connection = new Connection({ host: '127.0.0.1', port });
  });
  afterAll(async () => {
    connection[Symbol.dispose]();
    await child[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const send = (path: string, value: string | undefined, body?: unknown) =>
    connection.send(body ? 'POST' : 'GET', path, body, value === undefined ? {} : { [tokenHeader]: value });
  const code = async (...args: Parameters<typeof send>) => {
    const { status, body } = await send(...args);
    return status === 200 ? 200 : JSON.parse(body).code;
  };
  /** Tokens for a scope that must not do, each with what is wrong with it. */
  const bad = (scope: TokenScope): [string, string | undefined][] => {
    const [keyPart = '', payload = '', signature = ''] = token(scope).split('.');
    const claims = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const longer = { scope, server, expires: nowSeconds() + 9_999 };
    return [
      ['none', undefined],
      ['an empty one', ''],
      ['one that has expired', token(scope, server, nowSeconds() - 1)],
      ['one of another scope', token(scope === 'bind' ? 'proxy' : 'bind')],
      ['one for another server', token(scope, randomUUID())],
      ['one that another key signed', token(scope, server, nowSeconds() + 60, others.privateKey)],
      ['other claims under its signature', `${keyPart}.${claims(longer)}.${signature}`],
      ['no signature', `${keyPart}.${payload}.`],
      ['half a signature', `${keyPart}.${payload}.${signature.slice(0, 40)}`],
      ['an unknown key', `none.${payload}.${signature}`],
      ['a name of a property as its key', `__proto__.${payload}.${signature}`],
      ['four parts', `${token(scope)}.x`],
      ['two of them', `${token(scope)}, ${token(scope)}`],
    ];
  };

  it('with a token that is forged, expired or for something else', async () => {
    expect(await code('/v1/shell/sessions', token('proxy'))).toBe('not_bound');
    for (const [what, value] of bad('bind'))
      expect([what, await code('/bind', value, bind)]).toEqual([what, 'token_refused']);
    expect(await code('/bind', token('bind'), bind)).toBe(200);
    for (const [what, value] of bad('proxy'))
      expect([what, await code('/v1/shell/sessions', value)]).toEqual([what, 'token_refused']);
    expect(await code('/v1/shell/sessions', token('proxy'))).toBe(200);
  });

  it('a second time, for somebody else', async () => {
    const again = token('bind');
    expect(await code('/bind', again, bind)).toBe(200);
    expect(await code('/bind', again, { ...bind, name: '1'.repeat(32) })).toBe('bound_to_another');
    // The same name again is a gateway that lost the answer: the first bind holds.
    const other = {
      ...bind,
      env: { PLANTED: 'x' },
      files: [{ path: join(folder, 'planted'), content: '', mode: 0o644 }],
    };
    expect(await code('/bind', again, other)).toBe(200);
    const { body } = await send('/v1/bash/exec', token('proxy'), { command: 'echo "<$PLANTED$FIRST>"' });
    expect(JSON.parse(body).data.stdout).toBe('<first>\n');
    expect(existsSync(join(folder, 'planted'))).toBe(false);
  });

  it('by its own /proxy/{port}', async () => {
    const program = createServer((request, response) => response.end(request.url));
    program.listen(0, '127.0.0.1');
    await new Promise((resolve) => program.once('listening', resolve));
    try {
      const { port: other } = program.address() as AddressInfo;
      expect((await send(`/proxy/${other}/bind`, token('proxy'))).body).toBe('/bind');
      for (const path of [`/proxy/${port}/bind`, `/proxy/${port}/v1/shell/sessions`, `/proxy/0${port}/bind`])
        expect([path, (await send(path, token('proxy'))).status]).toEqual([path, 422]);
    } finally {
      program.close();
    }
  });
});

describe('Binding by way of the gateway', () => {
  let gateway: Gateway;
  let dataDir: string;
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'binding-'));
    gateway = await startGateway({
      PADDOCK_NETWORK: 'none',
      PADDOCK_WARM_SANDBOXES: '2',
      PADDOCK_DATA_DIR: dataDir,
    });
    await run(gateway, 'a', 'true');
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('in whatever way it is written', async () => {
    const body = JSON.stringify(bind);
    const post = (target: string, method = 'POST') =>
      exchange(
        gateway.url,
        written(
          [
            `${method} ${target} HTTP/1.1`,
            'host: localhost',
            'x-sandbox-id: a',
            `content-length: ${body.length}`,
          ],
          body,
        ),
      );
    const targets = [
      ...[
        '/bind',
        '//bind',
        '/%62ind',
        '/bind/',
        '/bind?x',
        '/BIND',
        '/./bind',
        '/v1/../bind',
        '/v1/%2e%2e/bind',
      ],
      ...[
        '/s/a/bind',
        '/s/a//bind',
        '/s/a/%62ind',
        '/s/a/v1/../bind',
        '/s/a/v1/..%2fbind',
        '/s/a/v1/%2e%2e%2fbind',
      ],
      ...[
        '/s/a/activity',
        '/activity',
        '/v1//../bind',
        '/v1/bind',
        '/v1//bind',
        '/v1/;/../bind',
        '/v1\\..\\bind',
      ],
      ...[
        '/proxy/../bind',
        '/proxy/x/../../bind',
        '/proxy//bind',
        '/s/a/proxy/..%2fbind',
        '/proxy/8080%2f..%2f..%2fbind',
      ],
      ...[
        'http://localhost/bind',
        'http://localhost/s/a/bind',
        'http://localhost//bind',
        '/bind#/v1/',
        '/v1/?/../bind',
      ],
      ...['/proxy/%2e%2e/bind', '/proxy/0/bind', '/proxy/-1/bind', '/proxy/65536/bind', '/proxy/1e3/bind'],
    ];
    for (const target of targets)
      for (const method of ['POST', 'GET']) {
        const answer = await post(target, method);
        expect([target, answer.slice(0, 10)]).toEqual([target, 'HTTP/1.1 4']);
        expect([target, answer]).toEqual([
          target,
          expect.not.stringMatching(/boot_id|idle_seconds|bound_to|token_ref/),
        ]);
      }
    expect(await post('/v1/bash/exec')).toMatch(/^HTTP\/1\.1 422 /);
    expect(await post('/s/a/v1/sandbox', 'GET')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('with a token taken from one sandbox, for another', async () => {
    await makeLie(gateway, 'a');
    const { body } = await gateway.connection.send('GET', '/s/a/v1/lie/headers');
    const headers: string[] = JSON.parse(body);
    const stolen = headers[headers.indexOf(tokenHeader) + 1] ?? '';
    expect(stolen.split('.')).toHaveLength(3);
    await run(gateway, 'b', 'true');

    const before = process.cwd();
    process.chdir(join(dataDir, 'sandboxes')); // The path of a socket is short.
    try {
      const sockets = readdirSync('.').map((name) => `${name}/run/server.sock`);
      const statuses: number[] = [];
      for (const socketPath of sockets.filter((path) => existsSync(path))) {
        using connection = new Connection({ socketPath }, { [tokenHeader]: stolen });
        statuses.push((await connection.send('GET', '/v1/shell/sessions')).status);
      }
      // It opens the one that it was made for, and none of the others.
      expect(statuses.filter((status) => status === 200)).toHaveLength(1);
      expect(statuses.filter((status) => status === 403).length).toBeGreaterThan(0);
    } finally {
      process.chdir(before);
    }
    // On the way through the gateway it changes nothing.
    const byGateway = { 'x-sandbox-id': 'b', [tokenHeader]: stolen };
    expect((await gateway.connection.send('GET', '/v1/shell/sessions', undefined, byGateway)).status).toBe(
      200,
    );
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
