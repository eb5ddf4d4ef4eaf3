/** Web pages in the browser of whoever runs `make dev`: every setting as it is by default. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../support/connection.ts';
import { root } from '../support/source.ts';
import { WebSocketClient } from '../support/websocket.ts';

describe('Web pages', () => {
  let folder: string;
  let make: ChildProcess;
  let url: string;
  let connection: Connection;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'web-'));
    // In a process group of its own, as a terminal starts it.
    make = spawn('make', ['dev'], {
      cwd: root,
      env: { ...process.env, XDG_STATE_HOME: folder, PADDOCK_NETWORK: 'none', PADDOCK_PORT: '0' },
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    url = await readyUrl(make);
    connection = new Connection({ host: '127.0.0.1', port: Number(new URL(url).port) });
  }, 90_000);
  afterAll(async () => {
    connection[Symbol.dispose]();
    if (make.exitCode === null) {
      process.kill(-(make.pid ?? 0), 'SIGINT');
      await once(make, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (method: string, path: string, headers: Record<string, string> = {}, body?: unknown) =>
    connection.send(method, path, body, headers);
  const exec = { command: 'echo ran >> /mnt/user-data/workspace/ran' };
  /** How often the command above has run. */
  const runs = async () => {
    const { body } = await send('POST', '/v1/bash/exec', {}, { command: 'cat ran | wc -l' });
    return Number(JSON.parse(body).data.stdout);
  };
  const requests: [string, string, unknown?][] = [
    ['GET', '/v1/sandbox'],
    ['GET', '/v1/shell/sessions'],
    ['POST', '/v1/bash/exec', exec],
    ['POST', '/v1/shell/exec', exec],
    ['GET', '/api/sandboxes'],
    ['DELETE', '/api/sandboxes/default'],
    ['GET', '/openapi.json'],
    ['GET', '/docs'],
    ['GET', '/health'],
    ['GET', '/s/default/v1/sandbox'],
    ['GET', '/proxy/3000/'],
  ];
  const expectRefused = async (headers: Record<string, string>, code: string) => {
    for (const [method, path, body] of requests) {
      const answer = await send(method, path, headers, body);
      expect([path, headers, answer.status]).toEqual([path, headers, 403]);
      expect(JSON.parse(answer.body).code).toBe(code);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    await using socket = new WebSocketClient(`${url}/v1/shell/ws`, headers);
    expect(await socket.opened).toContain('403');
  };

  it('whose name was pointed at the gateway (DNS rebinding)', async () => {
    const { port } = new URL(url);
    expect((await send('POST', '/v1/bash/exec', { host: `localhost:${port}` }, exec)).status).toBe(200);
    const before = await runs();
    const hosts = [
      ...[
        'rebound.example',
        `rebound.example:${port}`,
        'localhost.rebound.example',
        '127.0.0.1.rebound.example',
      ],
      ...[
        'localhost@rebound.example',
        'rebound.example#.localhost',
        'rebound.example/.localhost',
        '[::1].rebound.example',
      ],
      ...[
        '127.0.0.1:80:rebound.example',
        'localhost,x',
        '2130706433.example',
        '127.1',
        '0x7f000001',
        'xn--localhost',
      ],
    ];
    for (const host of hosts) await expectRefused({ host }, 'host_refused');
    await expectRefused({ host: 'rebound.example', origin: 'http://rebound.example' }, 'host_refused');
    expect(await runs()).toBe(before);
  });

  it('of another origin, with requests and WebSockets', async () => {
    const before = await runs();
    const { port } = new URL(url);
    const origins = [
      ...[
        'http://evil.example',
        'https://evil.example',
        'null',
        'file://',
        'http://localhost',
        'http://127.0.0.1:1',
      ],
      ...[
        `http://localhost.evil.example:${port}`,
        `http://evil.example@127.0.0.1:${port}`,
        `http://127.0.0.1:${port}.evil.example`,
      ],
    ];
    for (const origin of origins) await expectRefused({ origin }, 'origin_refused');
    const simple = { origin: 'http://evil.example', 'content-type': 'text/plain' };
    expect((await send('POST', '/v1/bash/exec', simple, exec)).status).toBe(403);
    const preflight = { origin: 'http://evil.example', 'access-control-request-method': 'POST' };
    expect((await send('OPTIONS', '/v1/bash/exec', preflight)).status).toBe(403);
    expect(await runs()).toBe(before);
    const own = { host: `127.0.0.1:${port}`, origin: `http://127.0.0.1:${port}` };
    expect((await send('POST', '/v1/bash/exec', own, exec)).status).toBe(200);
    expect(await runs()).toBe(before + 1);
    await using socket = new WebSocketClient(`${url}/v1/shell/ws`, own);
    expect(await socket.opened).toBe(true);
  });

  it('that load it as a script, a picture, a frame or a form', async () => {
    for (const site of ['cross-site', 'same-site'])
      for (const [mode, dest] of [
        ['no-cors', 'script'],
        ['no-cors', 'image'],
        ['cors', 'empty'],
        ['websocket', 'websocket'],
      ] as const)
        await expectRefused(
          { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
          'origin_refused',
        );
    const form = {
      origin: 'null',
      'content-type': 'application/x-www-form-urlencoded',
      'sec-fetch-mode': 'navigate',
    };
    expect((await send('POST', '/v1/bash/exec', form, exec)).status).toBe(403);
    const typed = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await send('GET', '/docs', typed)).status).toBe(200);
  });

  it('that a sandbox serves on the gateway’s own origin', async () => {
    const file = '/mnt/user-data/workspace/page.html';
    await send('POST', '/v1/file/write', {}, { file, content: '<script>fetch("/api/sandboxes")</script>' });
    const page = await send('GET', `/v1/file/download?path=${file}`);
    expect(page.body).toContain('<script>');
    // Without an origin, and what has none may not call.
    expect(page.headers['content-security-policy']).toContain('sandbox');
    expect((await send('GET', '/api/sandboxes', { origin: 'null' })).status).toBe(403);
  });
});

async function readyUrl(child: ChildProcess): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    said += chunk;
    const [, url] = /Paddock is ready: (http:\/\/\S+)/.exec(said) ?? [];
    if (url !== undefined && said.includes('Ctrl-C')) return url;
  }
  throw new Error(`make dev ended: ${said}`);
}
