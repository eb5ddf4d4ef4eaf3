/** Requests that two readers would read differently, that take for ever, or that grow. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { startProgram } from '../support/programs.ts';
import { root, sourceFiles } from '../support/source.ts';
import { run } from './inside.ts';
import { exchange, open, written } from './raw.ts';

const key = 'key-of-the-owner';
const host = 'host: localhost';
const asOwner = `x-api-key: ${key}`;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({
    PADDOCK_NETWORK: 'none',
    PADDOCK_WARM_SANDBOXES: '2',
    SANDBOX_API_KEY: key,
  });
  await Promise.all([startProgram(gateway, 'a', key), startProgram(gateway, 'b', key)]);
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('A request that hides another', () => {
  const hidden = ['GET /s/b/v1/file/download?path=/mnt/user-data/workspace/whose HTTP/1.1', host, asOwner];
  const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  const second = written(hidden);
  const post = (lines: string[], body: string, target = '/s/a/proxy/3000/sink') =>
    [`POST ${target} HTTP/1.1`, host, asOwner, ...lines, '', body].join('\r\n');

  it('by its length', async () => {
    // In the open it is answered, so that it would be seen if it were read.
    expect(await exchange(gateway.url, second)).toContain("b's own");
    const length = `content-length: ${second.length}`;
    const zero = `0\r\n\r\n${second}`;
    const cases: Record<string, string> = {
      'CL.TE': post([`content-length: ${zero.length}`, 'transfer-encoding: chunked'], zero),
      'TE.CL': post(['transfer-encoding: chunked', 'content-length: 4'], chunked(second)),
      'CL.TE with a second TE': post(
        [length, 'transfer-encoding: chunked', 'transfer-encoding: identity'],
        zero,
      ),
      'TE that is not chunked': post(['transfer-encoding: xchunked'], chunked(second)),
      'TE identity': post(['transfer-encoding: identity', length], second),
      'TE before a space': post(['transfer-encoding : chunked', length], chunked(second)),
      'TE behind a vertical tab': post(['transfer-encoding: \x0bchunked', length], chunked(second)),
      'TE in a folded header': post(['x: a', ' transfer-encoding: chunked', length], second),
      'TE behind a bare CR': post(['x: a\rtransfer-encoding: chunked', length], second),
      'TE behind a bare LF': post(['x: a\ntransfer-encoding: chunked', length], second),
      'two lengths': post(['content-length: 0', length], second),
      'the same length twice': post([length, length], second),
      'lengths in a list': post([`content-length: 0, ${second.length}`], second),
      'a length with a sign': post(['content-length: +0'], second),
      'a length in hexadecimal': post(['content-length: 0x0'], second),
      'a length below zero': post(['content-length: -1'], second),
      'a length of many digits': post([`content-length: ${'9'.repeat(40)}`], second),
      'a header without a name': post([': x', 'content-length: 0'], second),
      'a chunk extension with a line end': post(['transfer-encoding: chunked'], `0;a\n\r\n\r\n${second}`),
      'chunks that end in a bare LF': post(['transfer-encoding: chunked'], `0\n\n${second}`),
      'a chunk of a size that overflows': post(
        ['transfer-encoding: chunked'],
        `${'f'.repeat(20)}\r\n${second}`,
      ),
      'lines that end in a bare LF': post([], second).replaceAll('\r\n', '\n'),
    };
    for (const [what, bytes] of Object.entries(cases)) {
      const answer = await exchange(gateway.url, bytes);
      expect([what, answer]).toEqual([what, expect.not.stringContaining("b's own")]);
      expect([what, answer.slice(0, 13)]).toEqual([what, 'HTTP/1.1 400 ']);
      expect([what, answer.match(/HTTP\/1\.1 /g)?.length]).toEqual([what, 1]);
    }
  });

  it('by its framing on the way to the sandbox', async () => {
    const upgrade = ['connection: upgrade', 'upgrade: other'];
    const length = `content-length: ${second.length}`;
    const cases: Record<string, string> = {
      'a GET with a body': post([length], second).replace('POST', 'GET'),
      'a DELETE with chunks': post(['transfer-encoding: chunked'], chunked(second)).replace('POST', 'DELETE'),
      'a length that its Connection header names': post(['connection: content-length', length], second),
      'chunks that its Connection header names': post(
        ['connection: transfer-encoding', 'transfer-encoding: chunked'],
        chunked(second),
      ),
      'an upgrade with a body': post([...upgrade, length], second, '/s/a/proxy/3000/x'),
      'an upgrade to HTTP/2': post(
        ['connection: upgrade, http2-settings', 'upgrade: h2c', 'http2-settings: AAMAAABk', length],
        second,
      ),
      'a trailer': post(
        ['transfer-encoding: chunked'],
        `1\r\nx\r\n0\r\nx-sandbox-id: b\r\nconnection: close\r\n\r\n`,
      ),
      'a request that expects 100': post(['expect: 100-continue', length], second),
    };
    for (const [what, bytes] of Object.entries(cases)) {
      const answer = exchange(gateway.url, bytes, (text) =>
        /HTTP\/1\.1 [2-5](?!00 Continue)[\s\S]*\r\n\r\n/.test(text),
      );
      expect([what, await answer]).toEqual([what, expect.not.stringContaining("b's own")]);
    }
    // None waits on a connection that is kept for the next one.
    for (let i = 0; i < 5; i += 1)
      expect(
        (await gateway.connection.send('GET', '/s/a/proxy/3000/echo', undefined, { 'x-api-key': key })).body,
      ).toContain('"url":"/echo"');
  });

  it('by headers that are the gateway’s to set', async () => {
    const forged = [
      ...[
        'x-paddock-token: forged',
        'X-Paddock-Token: forged',
        'x-paddock-probe: live',
        'x-forwarded-prefix: /forged',
      ],
      ...[
        'x-forwarded-host: forged.example',
        'forwarded: host=forged.example',
        'connection: x-api-key, host, x-paddock-token',
      ],
    ];
    const answer = await exchange(
      gateway.url,
      written(['GET /s/a/proxy/3000/echo HTTP/1.1', host, asOwner, ...forged]),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('"host","localhost"');
    expect(answer).toContain('"X-Forwarded-Prefix","/s/a/proxy/3000"');
    expect(answer).not.toMatch(/forged"|x-paddock-token|key-of-the-owner/i);
  });
});

describe('Requests that take for ever', () => {
  it('many heads and bodies that come a byte at a time', async () => {
    const sockets: Socket[] = [];
    const begun = [
      'GET /v1/sandbox HTTP/1.1\r\nhost: localhost\r\nx-slow: ',
      `POST /s/a/v1/bash/exec HTTP/1.1\r\n${host}\r\n${asOwner}\r\ncontent-length: 1000\r\n\r\n`,
      `POST /api/sandboxes HTTP/1.1\r\n${host}\r\n${asOwner}\r\ncontent-length: 1000\r\n\r\n`,
    ];
    try {
      for (let i = 0; i < 240; i += 1) {
        const socket = await open(gateway.url);
        socket.write(begun[i % begun.length] ?? '');
        sockets.push(socket);
      }
      for (let byte = 0; byte < 5; byte += 1) {
        for (const socket of sockets) socket.write(' ');
        const begunMs = performance.now();
        expect(await run(gateway, 'b', 'echo served', key)).toBe('served\n');
        expect(performance.now() - begunMs).toBeLessThan(5_000);
      }
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it('a body without end, of a caller without a key', async () => {
    const socket = await open(gateway.url);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.write(`POST /s/a/v1/file/upload HTTP/1.1\r\n${host}\r\ntransfer-encoding: chunked\r\n\r\n`);
    const isClosed = once(socket, 'close');
    const begunMs = performance.now();
    while (!socket.destroyed) {
      socket.write('4\r\nslow\r\n');
      await Promise.race([delay(100), isClosed]);
    }
    expect(received).toMatch(/^HTTP\/1\.1 401 .*connection: close/is);
    expect(performance.now() - begunMs).toBeLessThan(15_000);
  });
});

describe('Content that grows when it is unpacked', () => {
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
  const memoryMib = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))?.[1]) / 1024;
  const send = async (path: string) => {
    let answer = '';
    const { status } = await gateway.connection.transfer('POST', path, {
      headers: { 'x-api-key': key, 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: [bomb],
      take: (chunk) => {
        answer += chunk;
      },
    });
    return { status, answer };
  };

  it('in a request to the gateway, to a sandbox and to a program', async () => {
    const beforeMib = memoryMib();
    expect((await send('/api/sandboxes')).status).toBe(422);
    expect((await send('/s/a/v1/file/write')).status).toBe(422);
    expect((await send('/s/a/proxy/3000/sink')).answer).toBe(String(bomb.length));
    expect(memoryMib() - beforeMib).toBeLessThan(64);
  });

  it('in whatever a server of ours reads', () => {
    // What it asks Kubernetes is not asked of a sandbox.
    const files = sourceFiles().filter(
      ({ path, package: name }) =>
        ['gateway', 'sandbox', 'http'].includes(name) && !path.includes('/engines/kubernetes/'),
    );
    const unpacks = /zlib|undici|DecompressionStream|\bfetch\(/;
    const text = ({ path }: { path: string }) => readFileSync(join(root, path), 'utf8');
    expect(files.some((file) => text(file).includes("from 'node:http'"))).toBe(true);
    expect(files.filter((file) => unpacks.test(text(file))).map(({ path }) => path)).toEqual([]);
  });
});
