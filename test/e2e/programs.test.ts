/** Programs in real sandboxes, reached through a gateway by path, by header and by a host of their own. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Gateway as Client, type Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { programHost, startCommand, startProgram } from '../support/programs.ts';
import { WebSocketClient } from '../support/websocket.ts';

const quick = { PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '2' };
const json = (body: string) => JSON.parse(body);

describe('a program in a sandbox', () => {
  let gateway: Gateway;
  let sandbox: Sandbox;
  beforeAll(async () => {
    gateway = await startGateway(quick);
    [sandbox] = await Promise.all([startProgram(gateway, 'app'), startProgram(gateway, 'default')]);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    gateway.connection.send(method, path, undefined, headers);
  const byHost = (port?: number) => ({ host: programHost(gateway, 'app', port) });

  /** The ways to the same program: what comes before its own paths, and the headers. */
  const ways = (): [name: string, prefix: string, headers: Record<string, string>][] => [
    ['path', '/s/app/proxy/3000', {}],
    ['header', '/proxy/3000', { 'x-sandbox-id': 'app' }],
    ['default', '/proxy/3000', {}],
    ['host', '', byHost()],
  ];

  it('gets requests as they were sent, whichever way they come', async () => {
    for (const [name, prefix, headers] of ways()) {
      const { status, body } = await send('REPORT', `${prefix}/a%2fb//%C3%A4?c=%20`, {
        'x-mine': '1',
        ...headers,
      });
      expect([name, status]).toEqual([name, 200]);
      expect(json(body)).toMatchObject({ method: 'REPORT', url: '/a%2fb//%C3%A4?c=%20' });
      expect(json(body).rawHeaders).toEqual(expect.arrayContaining(['x-mine', '1']));
    }
  });

  it('hears how it was reached, and never the token that lets the gateway in', async () => {
    for (const [name, prefix, headers] of ways()) {
      const forged = { 'x-forwarded-prefix': '/forged', 'x-paddock-token': 'forged' };
      const raw: string[] = json(
        (await send('GET', `${prefix}/`, { ...forged, ...headers })).body,
      ).rawHeaders;
      const pairs = Array.from({ length: raw.length / 2 }, (_, i) => raw.slice(2 * i, 2 * i + 2));
      const heard = Object.fromEntries(pairs.map(([key = '', value]) => [key.toLowerCase(), value]));
      const host = headers.host ?? new URL(gateway.url).host;
      expect(heard, name).toMatchObject({ host, 'x-forwarded-host': host, 'x-forwarded-proto': 'http' });
      expect(heard['x-forwarded-prefix']).toBe(prefix === '' ? undefined : prefix);
      expect(heard['x-forwarded-for']).toBe('127.0.0.1');
      expect(heard).not.toHaveProperty('x-paddock-token');
      expect(heard).not.toHaveProperty('x-sandbox-id');
    }
  });

  it('has pages that can do nothing on the gateway’s origin, and all they like on their own', async () => {
    for (const [name, prefix, headers] of ways()) {
      const page = await send('GET', `${prefix}/page`, headers);
      const isOwn = name === 'host';
      expect(page.headers['content-security-policy']).toBe(isOwn ? undefined : 'sandbox');
      expect(page.headers['set-cookie']).toEqual([
        `session=1; Path=${isOwn ? '/' : `${prefix}/`}`,
        'other=2',
      ]);
      expect((await send('GET', `${prefix}/moved`, headers)).headers.location).toBe(`${prefix}/page`);
    }
    const file = `/s/app/v1/file/download?path=${encodeURIComponent('/mnt/user-data/workspace/program.cjs')}`;
    expect((await send('GET', file)).headers['content-security-policy']).toBe('sandbox');
  });

  it('may be a server that knows nothing of all this', async () => {
    await sandbox.file.write({
      file: '/mnt/user-data/workspace/site/docs/index.html',
      content: '<h1>Hi</h1>',
    });
    await startCommand(sandbox, 'python3 -m http.server 8001 --bind ::1 --directory site');
    await expect.poll(async () => (await send('GET', '/s/app/proxy/8001/')).status).toBe(200);
    expect((await send('GET', '/s/app/proxy/8001/docs')).headers.location).toBe('/s/app/proxy/8001/docs/');
    expect((await send('GET', '/docs', byHost(8001))).headers.location).toBe('/docs/');
    expect((await send('GET', '/docs/', byHost(8001))).body).toBe('<h1>Hi</h1>');
    expect((await send('GET', '/s/app/proxy/8001?x')).headers.location).toBe('8001/?x');
  });

  it('sends events that arrive when it sends them', async () => {
    for (const [, prefix, headers] of ways()) {
      const { hostname, port } = new URL(gateway.url);
      const sent = request({ host: hostname, port, path: `${prefix}/events`, agent: false, headers });
      const chunks: string[] = [];
      const isOpen = new Promise<void>((resolve) => {
        sent.on('response', (response) => {
          response.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
          response.on('error', () => {});
          resolve();
        });
      });
      sent.on('error', () => {}).end();
      await isOpen;
      for (const text of ['one', 'two']) {
        expect((await send('GET', `${prefix}/say?text=${text}`, headers)).body).toBe('true');
        await expect.poll(() => chunks).toContain(`data: ${text}\n\n`);
      }
      sent.destroy();
      // It hears that its listener has gone.
      await expect.poll(async () => (await send('GET', `${prefix}/say?text=x`, headers)).body).toBe('false');
    }
  });

  it('takes and gives bodies of any size, of which the gateway holds little', {
    timeout: 60_000,
  }, async () => {
    const peakMib = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const transfer = async (sizeMib: number) => {
      const sizeBytes = sizeMib * 1024 * 1024;
      let received = 0;
      await gateway.connection.transfer('GET', `/s/app/proxy/3000/blocks?count=${sizeBytes / 65_536}`, {
        take: (chunk) => {
          received += chunk.length;
        },
      });
      const block = Buffer.alloc(1024 * 1024);
      let counted = '';
      await gateway.connection.transfer('POST', '/s/app/proxy/3000/sink', {
        body: Array.from({ length: sizeMib }, () => block),
        take: (chunk) => {
          counted += chunk;
        },
      });
      expect([received, Number(counted)]).toEqual([sizeBytes, sizeBytes]);
    };
    // Buffers that wait to be collected make some dozens of MiB, however large the bodies are.
    await transfer(64);
    const before = peakMib();
    await transfer(256);
    expect(peakMib() - before).toBeLessThan(64);
  });

  it.each<[string, string, number, string]>([
    ['POST', '/s/app/proxy/3999/', 502, 'program_not_listening'],
    ['POST', '/s/app/proxy/3000/hang-up', 424, 'program_failed'],
    ['POST', '/s/app/proxy/3000/no-http', 424, 'program_failed'],
    ['GET', '/s/nobody/proxy/3000/', 404, 'sandbox_not_found'],
    ['GET', '/s/app/proxy/3000/../../bind', 404, 'route_not_found'],
    ['GET', '/proxy', 404, 'route_not_found'],
  ])('that cannot answer %s %s is told of by %s %s', async (method, path, status, code) => {
    const answer = await send(method, path);
    expect([answer.status, json(answer.body).code]).toEqual([status, code]);
  });

  it('is nobody’s where the name in the host is none', async () => {
    const host = `3000-${'0'.repeat(32)}.localhost`;
    const { status, body } = await send('GET', '/', { host });
    expect([status, json(body).code]).toEqual([404, 'sandbox_not_found']);
  });

  it('has its host to itself: no path there is the gateway’s', async () => {
    for (const path of [
      '/api/sandboxes',
      '/health',
      '/bind',
      '/docs',
      '/v1/sandbox',
      '/s/default/v1/sandbox',
    ]) {
      const { body } = await send('GET', path, { ...byHost(), 'x-sandbox-id': 'default' });
      expect(json(body)).toMatchObject({ method: 'GET', url: path });
    }
  });

  describe('whose page calls', () => {
    const page = () => `http://${programHost(gateway, 'app')}`;
    const cases = (): [what: string, path: string, headers: Record<string, string>, isOwn: boolean][] => [
      ['its own origin', '/echo', byHost(), true],
      ['the API of the gateway', '/api/sandboxes', {}, false],
      ['the default sandbox', '/v1/shell/sessions', {}, false],
      ['its own sandbox’s API', '/s/app/v1/shell/sessions', {}, false],
      ['a program of another sandbox', '/echo', { host: programHost(gateway, 'default') }, false],
      ['a program by its path', '/s/default/proxy/3000/echo', {}, false],
    ];

    it('reaches its own origin and nothing else', async () => {
      for (const [what, path, headers, isOwn] of cases()) {
        const { status } = await send('POST', path, { origin: page(), ...headers });
        expect([what, status]).toEqual([what, isOwn ? 200 : 403]);
      }
    });

    it('reaches other ports of its own sandbox, which say for themselves what it may read', async () => {
      const origin = `http://${programHost(gateway, 'app', 5173)}`;
      expect((await send('POST', '/echo', { ...byHost(), origin })).status).toBe(200);
    });

    it('can take nothing of another origin into itself, but lead there', async () => {
      const load = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' };
      const visit = { ...load, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
      for (const [what, , headers] of cases()) {
        const path = headers.host === undefined ? '/s/app/v1/shell/sessions' : '/echo';
        expect([what, (await send('GET', path, { ...headers, ...load })).status]).toEqual([what, 403]);
        expect([what, (await send('GET', path, { ...headers, ...visit })).status]).toEqual([what, 200]);
      }
      expect((await send('GET', '/echo', { ...byHost(), 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    });

    it('opens WebSockets to its own origin and nothing else', async () => {
      for (const [what, path, headers, isOwn] of cases()) {
        const url = gateway.url + path.replace('/echo', '/socket').replace('sessions', 'ws');
        await using client = new WebSocketClient(url, { origin: page(), ...headers });
        const opened = await client.opened;
        expect([what, opened === true]).toEqual([what, isOwn]);
        if (!isOwn) expect(opened).toContain('403');
      }
    });
  });

  it('holds WebSockets: messages, pings and how they close go both ways', async () => {
    for (const [, prefix, headers] of ways()) {
      const url = `${gateway.url}${prefix}/socket`;
      await using one = await WebSocketClient.open(url, headers);
      one.send('hello');
      await one.message(/^hello$/);
      await one.ping();
      one.close(4000, 'enough');
      expect(await one.closed).toEqual([4000, 'enough']);
      await using two = await WebSocketClient.open(url, headers);
      two.send('close me');
      expect(await two.closed).toEqual([4001, 'bye']);
      await using refused = new WebSocketClient(`${gateway.url}${prefix}/nowhere`, headers);
      expect(await refused.opened).toContain('404');
    }
  });

  it('has its WebSockets closed when its sandbox ends', async () => {
    await startProgram(gateway, 'brief');
    await using client = await WebSocketClient.open(`${gateway.url}/s/brief/proxy/3000/socket`);
    await gateway.connection.call('DELETE', '/api/sandboxes/brief');
    expect((await client.closed)[0]).toBe(1006);
  });

  it('answers a first request that offers HTTP/2, body and all, as any other', async () => {
    const { body } = await gateway.connection.send(
      'POST',
      '/s/app/proxy/3000/',
      { a: 1 },
      {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
      },
    );
    expect(json(body)).toMatchObject({ method: 'POST', body: '{"a":1}' });
  });
});

describe('a program in a sandbox of a gateway with keys', () => {
  const key = 'correct-horse';
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ ...quick, SANDBOX_API_KEY: key });
    await startProgram(gateway, 'app', key);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const byHost = () => ({ host: programHost(gateway, 'app') });
  const send = (path: string, headers: Record<string, string> = {}) =>
    gateway.connection.send('GET', path, undefined, headers);
  const basic = `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}`;

  it('asks a browser for the key, and everyone else too', async () => {
    const refused = await send('/', byHost());
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringMatching(/^Basic /),
    ]);
    for (const path of ['/s/app/proxy/3000/', '/proxy/3000/']) expect((await send(path)).status).toBe(401);
    await using client = new WebSocketClient(`${gateway.url}/socket`, byHost());
    expect(await client.opened).toContain('401');
  });

  it.each<[string, Record<string, string>]>([
    ['/a', { 'x-api-key': key }],
    ['/a', { 'x-aio-api-key': key }],
    ['/a', { authorization: `Bearer ${key}` }],
    ['/a', { authorization: basic }],
    [`/a?api_key=${key}`, {}],
  ])('lets %s %j in, and keeps the key from the program', async (path, headers) => {
    for (const [prefix, way] of [
      ['', byHost()],
      ['/s/app/proxy/3000', {}],
    ] as const) {
      const { status, body } = await send(`${prefix}${path}`, { ...headers, ...way });
      expect([status, json(body).url]).toEqual([200, '/a']);
      expect(body).not.toContain(key);
      expect(body).not.toContain(basic);
    }
  });

  it('is reached by the secret of its sandbox’s own URL, which it does not hear', async () => {
    const client = new Client({ baseUrl: gateway.url, apiKey: key });
    const { sandbox_url } = await client.sandboxes.get({ sandbox_id: 'app' });
    const path = `${new URL(sandbox_url).pathname}/proxy/3000`;
    const { status, body } = await send(`${path}/a`);
    expect([status, json(body).url]).toEqual([200, '/a']);
    expect(body).not.toContain(path.split(/[./]/)[3]);
    expect((await send(`${path}/moved`)).headers.location).toBe(`${path}/page`);
  });
});
