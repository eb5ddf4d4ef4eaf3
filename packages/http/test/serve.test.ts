import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { aio, Fault } from '@paddock/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Routes, serve } from '../src/index.ts';

const { read, download } = aio.file;
const closed: string[] = [];
const routes = new Routes().add(
  { read, download },
  {
    read({ file }) {
      throw new Fault(file === 'soft' ? 'file_not_found' : 'unauthorized', 'no', { data: { path: file } });
    },
    download: ({ path }) => ({
      kind: 'bytes' as const,
      status: 200 as const,
      headers: { 'content-length': 6 },
      async *chunks() {
        yield Buffer.from('abc');
        if (path === 'breaks') throw new Fault('file_changed');
        yield Buffer.from('def');
      },
      async [Symbol.asyncDispose]() {
        closed.push(path);
      },
    }),
  },
);
const logged: unknown[] = [];
const options = {
  limitBytes: 1_000,
  logFault: (_id: string, error: unknown) => logged.push(error),
  isSoft: (fault: Fault) => fault.code.startsWith('file_'),
};
const server = createServer((request, response) => void serve(routes, options, request, response));
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const readFile = async (file: string) => {
  const answer = await fetch(origin + read.path, { method: 'POST', body: JSON.stringify({ file }) });
  return [answer.status, await answer.json()];
};

describe('a failure', () => {
  it('is answered 200 when it is a soft one, and with its own status else', async () => {
    const body = { success: false, message: 'no' };
    expect(await readFile('soft')).toMatchObject([
      200,
      { ...body, data: { path: 'soft' }, code: 'file_not_found' },
    ]);
    expect(await readFile('hard')).toMatchObject([401, { ...body, code: 'unauthorized' }]);
  });
});

describe('an answer of bytes', () => {
  it('is sent whole, and its source closed', async () => {
    const answer = await fetch(`${origin + download.path}?path=whole`);
    expect([answer.status, await answer.text()]).toEqual([200, 'abcdef']);
    expect(closed).toContain('whole');
  });

  it('has no body for HEAD, and its source is closed all the same', async () => {
    const answer = await fetch(`${origin + download.path}?path=head`, { method: 'HEAD' });
    expect([answer.headers.get('content-length'), await answer.text()]).toEqual(['6', '']);
    expect(closed).toContain('head');
  });

  it('breaks the connection off when its source fails, so that a part is never taken for the whole', async () => {
    await expect(
      fetch(`${origin + download.path}?path=breaks`).then((answer) => answer.text()),
    ).rejects.toThrow();
    expect(closed).toContain('breaks');
    expect(logged).toEqual([]);
  });
});
