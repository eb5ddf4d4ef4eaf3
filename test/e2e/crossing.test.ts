/** No request gets to another sandbox than the one that it is for, however it is written and whatever dies meanwhile. */
import { connect } from 'node:net';
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { programHost, startProgram } from '../support/programs.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '2' });
  await Promise.all([startProgram(gateway, 'a'), startProgram(gateway, 'b')]);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const file = `/v1/file/download?path=${encodeURIComponent('/mnt/user-data/workspace/whose')}`;

/** Sends bytes as they are, and gives all that comes back until the gateway closes. */
async function exchange(lines: readonly string[], body = ''): Promise<string> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {}); // What came before counts.
  socket.write([...lines, 'connection: close', '', body].join('\r\n'));
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

const ownHost = 'host: localhost:8080';
const get = (target: string, ...headers: string[]) => [`GET ${target} HTTP/1.1`, ...headers];

describe('a request for one sandbox', () => {
  it.each<[string, () => string[]]>([
    ['its path', () => get(`/s/a${file}`, ownHost)],
    ['its path, with another in the header', () => get(`/s/a${file}`, ownHost, 'x-sandbox-id: b')],
    ['its header', () => get(file, ownHost, 'x-sandbox-id: a')],
    ['an absolute target', () => get(`http://localhost:8080/s/a${file}`, ownHost)],
    ['a path in two slashes', () => get(`//s/a/${file}`, ownHost)],
    ['another path in the query', () => get(`/s/a${file}&x=/../../s/b${file}`, ownHost)],
    ['another path in the fragment', () => get(`/s/a${file}&x=#/../../s/b${file}`, ownHost)],
  ])('gets there by %s', async (_, lines) => {
    const answer = await exchange(lines());
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain("a's own");
    expect(answer).not.toContain("b's own");
  });

  it.each<[string, () => string[]]>([
    ['encoded slashes and dots', () => get(`/s/a/..%2f..%2fs/b${file}`, ownHost)],
    ['an encoded slash in the id', () => get(`/s/a%2f..%2fb${file}`, ownHost)],
    ['dot segments', () => get(`/s/a/../b${file}`, ownHost)],
    ['encoded dot segments', () => get(`/s/a/%2e%2e/b${file}`, ownHost)],
    ['half encoded dot segments', () => get(`/s/a/.%2E/b${file}`, ownHost)],
    ['dot segments below its API', () => get(`/s/a/v1/../../b${file}`, ownHost)],
    ['dot segments below a program', () => get(`/s/a/proxy/3000/../../../b${file}`, ownHost)],
    ['a port with a path in it', () => get(`/s/a/proxy/3000%2f..%2f..%2f..%2fb${file}`, ownHost)],
    ['backslashes', () => get(`/s/a\\..\\b${file}`, ownHost)],
    ['a NUL in the id', () => get(`/s/a%00/../b${file}`, ownHost)],
    ['an id of another alphabet', () => get(`/s/%62${file}`, ownHost)],
    ['two headers with an id', () => get(file, ownHost, 'x-sandbox-id: a', 'x-sandbox-id: b')],
    ['two ids in one header', () => get(file, ownHost, 'x-sandbox-id: a, b')],
    ['two Host headers', () => get(`/s/b${file}`, ownHost, 'host: 127.0.0.1')],
    ['the same Host header twice', () => get(`/s/b${file}`, ownHost, ownHost)],
    [
      'two hosts of programs',
      () => get('/', `host: ${programHost(gateway, 'a')}`, `host: ${programHost(gateway, 'b')}`),
    ],
    [
      'another host in the target',
      () => get(`http://${programHost(gateway, 'b')}/`, `host: ${programHost(gateway, 'a')}`),
    ],
    [
      'the gateway’s host in the target',
      () => get(`http://localhost:8080/s/b${file}`, `host: ${programHost(gateway, 'a')}`),
    ],
    ['a header of two lines', () => get(file, ownHost, 'x-sandbox-id: a', ' b')],
    ['a Host header with a user', () => get(`/s/b${file}`, 'host: localhost:8080@evil.example')],
  ])('goes nowhere with %s', async (_, lines) => {
    const answer = await exchange(lines());
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toContain("'s own");
    expect(answer).not.toContain('rawHeaders');
  });

  it('on the host of a program is for that program, whatever its path or header names', async () => {
    for (const target of [`/s/b${file}`, file, '/proxy/3000/']) {
      const answer = await exchange(get(target, `host: ${programHost(gateway, 'a')}`, 'x-sandbox-id: b'));
      expect(answer).toContain(`"url":"${target}"`);
      expect(answer).not.toContain("'s own");
    }
  });

  it.each(['GET', 'DELETE', 'POST'])('brings no other along in the body of a %s', async (method) => {
    const hidden = [...get(`/s/b${file}`, ownHost), '', ''].join('\r\n');
    const chunks = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    for (const target of ['/s/a/v1/nothing', '/s/a/proxy/3000/x']) {
      const chunked = await exchange(
        [`${method} ${target} HTTP/1.1`, ownHost, 'transfer-encoding: chunked'],
        chunks,
      );
      const whole = await exchange(
        [`${method} ${target} HTTP/1.1`, ownHost, `content-length: ${hidden.length}`],
        hidden,
      );
      for (const answer of [chunked, whole]) {
        expect(answer.match(/HTTP\/1\.1 \d\d\d /g)).toHaveLength(1);
        expect(answer).not.toContain("'s own");
      }
    }
    // Nor is one left behind on a connection that is kept.
    expect(await exchange(get(`/s/a${file}`, ownHost))).toContain("a's own");
  });
});

describe('two sandboxes that are used in turn', () => {
  it('never answer for each other, while their servers are killed and their ids get new ones', {
    timeout: 120_000,
  }, async () => {
    const ids = ['left', 'right'] as const;
    const of = (id: string) => new Sandbox({ baseUrl: gateway.url, id });
    const mark = (id: string) =>
      of(id).file.write({ file: '/mnt/user-data/workspace/mine', content: `${id}\n` });
    await Promise.all(ids.map(mark));
    const seen = { right: 0, wrong: [] as string[], failed: new Set<unknown>() };
    const ask = async (id: string) => {
      try {
        const { stdout } = await of(id).bash.exec({ command: 'cat mine' });
        if (stdout === `${id}\n`) seen.right += 1;
        // A new sandbox of that id has no mark yet.
        else if (stdout !== '') seen.wrong.push(`${id}: ${stdout}`);
      } catch (error) {
        seen.failed.add(error instanceof Error && 'code' in error ? error.code : error);
      }
    };
    for (let round = 0; round < 9; round += 1) {
      const victim = ids[round % 2] ?? 'left';
      const asked = Array.from({ length: 20 }, (_, i) => ask(ids[i % 2] ?? 'left'));
      const end =
        round % 3 === 2
          ? gateway.connection.call('DELETE', `/api/sandboxes/${victim}`).then(() => mark(victim))
          : of(victim)
              .shell.exec({ command: 'kill -9 $PPID; sleep 9' })
              .catch(() => {});
      await Promise.all([...asked, end]);
      await Promise.all(ids.map(ask));
    }
    expect(seen.wrong).toEqual([]);
    expect(seen.right).toBeGreaterThan(80);
    const expected = ['sandbox_died', 'sandbox_failed', 'sandbox_starting'];
    expect([...seen.failed].filter((code) => !expected.includes(String(code)))).toEqual([]);
  });
});
