/** What is no proper HTTP, comes in halves or in crowds: refused or waited for, and nobody else notices. */
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { failure, type Target, targets } from './target.ts';

const shell = '/v1/shell/exec';
const bash = '/v1/bash/exec';

describe.each(Object.keys(targets))('%s', (name) => {
  let target: Target;
  beforeAll(async () => {
    target = (await targets[name]?.()) as Target;
    await target.run('true');
  });
  afterAll(() => target[Symbol.asyncDispose]());
  afterEach(() => target.expectHealthy());

  const post = (...lines: string[]) =>
    target.head(`POST ${bash} HTTP/1.1`, 'content-type: application/json', ...lines);
  const json = JSON.stringify({ command: 'echo fine' });
  const whole = () => post(`content-length: ${json.length}`) + json;

  it.each<[string, string | Buffer]>([
    ['no HTTP at all', 'hello there\r\n\r\n'],
    ['bytes of TLS', Buffer.from('16030100c8010000c40303', 'hex')],
    ['zeros', Buffer.alloc(1024)],
    ['an unknown method', `FETCH ${shell} HTTP/1.1\r\nhost: localhost\r\n\r\n`],
    ['a version to come', `GET ${shell} HTTP/9.9\r\nhost: localhost\r\n\r\n`],
    ['no host', `GET ${shell} HTTP/1.1\r\n\r\n`],
    [
      'two lengths',
      `POST ${bash} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    ],
    [
      'a length and chunks',
      `POST ${bash} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a length that is no number',
      `POST ${bash} HTTP/1.1\r\nhost: localhost\r\ncontent-length: two\r\n\r\n{}`,
    ],
    ['a length below zero', `POST ${bash} HTTP/1.1\r\nhost: localhost\r\ncontent-length: -2\r\n\r\n{}`],
    ['a NUL byte in a header', `GET ${shell} HTTP/1.1\r\nhost: localhost\r\nx: a\0b\r\n\r\n`],
    ['a space in a header name', `GET ${shell} HTTP/1.1\r\nhost: localhost\r\nx y: a\r\n\r\n`],
    ['headers of 64 KiB', `GET ${shell} HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(65_536)}\r\n\r\n`],
    ['a path of 64 KiB', `GET /${'a'.repeat(65_536)} HTTP/1.1\r\nhost: localhost\r\n\r\n`],
  ])('refuses %s with 400 or 431 and closes', async (_, bytes) => {
    expect(await target.exchange(bytes)).toMatch(/^HTTP\/1\.1 (400|431) /);
  });

  it.each<[string, () => string]>([
    ['the request line', () => `POST ${bash} HT`],
    ['a header', () => `POST ${bash} HTTP/1.1\r\nhost: localh`],
    ['the body', () => post('content-length: 100') + json],
    ['a chunk', () => `${post('transfer-encoding: chunked')}20\r\n${json}`],
    ['the chunks', () => `${post('transfer-encoding: chunked')}${json.length.toString(16)}\r\n${json}\r\n`],
    [
      'an upload',
      () => `${uploadHead()}--x\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nabc`,
    ],
  ])('runs and writes nothing when a request ends in the middle of %s', async (_, bytes) => {
    await target.run(`rm -f ${target.folder}/half`);
    const socket = await target.open();
    socket.end(bytes().replaceAll('echo fine', `touch ${target.folder}/half`));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await target.run(`ls -A ${target.folder} | grep -c -e half -e upload -e '^f$'`)).toBe('0\n');
  });

  const uploadHead = () =>
    target.head(
      'POST /v1/file/upload HTTP/1.1',
      'content-type: multipart/form-data; boundary=x',
      'content-length: 500',
    );

  it('refuses chunks that are none without running them', async () => {
    const answer = await target.exchange(`${post('transfer-encoding: chunked')}zz\r\n${json}\r\n0\r\n\r\n`);
    expect(answer).not.toContain('fine');
  });

  it('answers requests that come in one piece in their order', async () => {
    const numbered = (i: number) => {
      const body = JSON.stringify({ command: `echo answer-${i}-` });
      return post(`content-length: ${body.length}`) + body;
    };
    const answer = await target.exchange(Array.from({ length: 10 }, (_, i) => numbered(i)).join(''), (text) =>
      text.includes('answer-9-\\n'),
    );
    expect(answer.match(/"stdout":"answer-\d-/g)).toEqual(
      Array.from({ length: 10 }, (_, i) => `"stdout":"answer-${i}-`),
    );
  });

  it('answers a request whose bytes come one by one', async () => {
    const socket = await target.open();
    socket.setNoDelay(true);
    const answer = new Promise<string>((resolve) => socket.setEncoding('utf8').once('data', resolve));
    for (const byte of whole()) {
      socket.write(byte);
      await new Promise(setImmediate);
    }
    expect(await answer).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it('tells a client that waits for it to go on', async () => {
    const socket = await target.open();
    const lines: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    socket.write(post(`content-length: ${json.length}`, 'expect: 100-continue'));
    await expect.poll(() => lines.join('')).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    socket.write(json);
    await expect.poll(() => lines.join('')).toMatch(/HTTP\/1\.1 200 OK\r\n.*"stdout":"fine\\n"/s);
    socket.destroy();
  });

  it.each([
    ['HEAD', '/v1/sandbox', 200],
    ['OPTIONS', shell, 404],
    ['TRACE', shell, 404],
    ['PATCH', shell, 404],
    ['BREW', shell, 400],
  ])('answers %s %s with %i', async (method, path, status) => {
    const answer = await target.exchange(target.head(`${method} ${path} HTTP/1.1`, 'connection: close'));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it('answers an upgrade that nothing offers as an ordinary request', async () => {
    const upgrade = [
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
    ];
    const answer = await target.exchange(target.head('GET /v1/nothing HTTP/1.1', ...upgrade), (text) =>
      text.includes('}'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject(failure('route_not_found'));
  });

  it('closes a connection that asks to be a tunnel', async () => {
    const answer = await target.exchange(target.head('CONNECT example.com:443 HTTP/1.1'));
    expect(answer).not.toMatch(/^HTTP\/1\.1 2/);
  });

  it('serves others while 300 connections are silent, half sent or unread', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = await target.open();
      if (i % 3 === 1) socket.write(post('content-length: 100').slice(0, 60));
      if (i % 3 === 2) socket.write(whole());
      socket.pause();
      sockets.push(socket);
    }
    const begunMs = performance.now();
    expect(await target.run('echo served')).toBe('served\n');
    expect(performance.now() - begunMs).toBeLessThan(5_000);
    for (const socket of sockets) socket.destroy();
  });

  it('runs 300 commands that come at once over as many connections, each with its own output', async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => target.send(bash, { body: { command: `echo ${i}` } })),
    );
    const outputs = answers.map(({ body }) => body);
    expect(outputs).toMatchObject(answers.map((_, i) => ({ data: { stdout: `${i}\n` } })));
  });

  it('runs 300 commands for one session that come at once, one after the other', async () => {
    await target.run(`rm -f ${target.folder}/order`);
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        target.send(shell, {
          body: { id: 'crowd', command: `echo ${i} >> ${target.folder}/order; echo ${i}` },
        }),
      ),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(answers.map(({ body }) => (body as { data: { output: string } }).data.output)).toEqual(
      Array.from({ length: 300 }, (_, i) => `${i}\n`),
    );
    expect(await target.run(`sort -u ${target.folder}/order | wc -l`)).toBe('300\n');
  });

  it('refuses what is over its limit of sessions and keeps the others', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        target.send('/v1/shell/sessions/create', { body: { id: `many-${i}` } }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, body } of refused)
      expect({ status, body }).toMatchObject({ status: 409, body: failure('session_limit') });
    const made = answers.flatMap(({ status }, i) => (status === 200 ? [`many-${i}`] : []));
    await Promise.all(made.map((id) => target.send(`/v1/shell/sessions/${id}`, { method: 'DELETE' })));
  });
});
