import { describe, expect, it } from 'vitest';
import { Gateway, Sandbox } from '../src/index.ts';
import { failureOf } from './failure.ts';
import { listen, listenAndAnswer } from './server.ts';

const done = { success: true, data: { file: '/a', content: 'x' } };

/** Answers with a failure as often as told, then with success, and counts. */
async function failing(
  times: number,
  status: number,
  failure: object,
  headers: Record<string, string> = {},
): Promise<Awaited<ReturnType<typeof listen>> & { heard: number }> {
  const server = await listen((request, response) => {
    request.resume();
    counted.heard++;
    const fails = counted.heard <= times;
    response.writeHead(fails ? status : 200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(fails ? failure : done));
  });
  const counted = { ...server, heard: 0 };
  return counted;
}

const failure = (code: string) => ({ success: false, code, message: 'no', hint: 'again', data: null });

describe('a call that failed before anything ran', () => {
  it.each([
    [429, 'sandbox_limit'],
    [503, 'sandbox_starting'],
    [503, 'draining'],
  ])('is sent again after %i %s', async (status, code) => {
    await using server = await failing(2, status, failure(code));
    const { content } = await new Sandbox({ baseUrl: server.url }).file.read({ file: '/a' });
    expect({ content, heard: server.heard }).toEqual({ content: 'x', heard: 3 });
  });

  it('is given up after as many times as were asked for', async () => {
    await using server = await failing(9, 503, failure('draining'));
    const sandbox = new Sandbox({ baseUrl: server.url, retries: 1 });
    expect((await failureOf(sandbox.file.read({ file: '/a' }))).code).toBe('draining');
    expect(server.heard).toBe(2);
  });

  it('waits as long as the server asks for, and not for longer than half a minute', async () => {
    await using soon = await failing(1, 503, failure('draining'), { 'retry-after': '0' });
    await new Sandbox({ baseUrl: soon.url }).file.read({ file: '/a' });
    expect(soon.heard).toBe(2);
    await using late = await failing(1, 503, failure('draining'), { 'retry-after': '600' });
    const error = await failureOf(new Sandbox({ baseUrl: late.url }).file.read({ file: '/a' }));
    expect([error.retryAfterMs, late.heard]).toEqual([600_000, 1]);
  });

  it('stops waiting when its signal aborts', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    await using server = await listen((_, response) => {
      response.writeHead(503, { 'retry-after': '20' }).end(JSON.stringify(failure('draining')));
      setImmediate(() => stop.abort(reason));
    });
    const sandbox = new Sandbox({ baseUrl: server.url });
    await expect(sandbox.file.read({ file: '/a' }, { signal: stop.signal })).rejects.toBe(reason);
  });

  it('reaches a server that comes back', async () => {
    const first = await listenAndAnswer(200, {});
    await first[Symbol.asyncDispose]();
    const waiting = new Gateway({ baseUrl: first.url, retries: 5 }).service.health();
    await using _server = await listenAndAnswer(200, { status: 'ok' }, first.port);
    expect(await waiting).toEqual({ status: 'ok' });
  });
});

describe('a call that may have run', () => {
  it.each([
    [500, failure('internal')],
    [410, failure('sandbox_died')],
    [409, failure('session_busy')],
    [502, failure('internal')],
    // Not of this API: a proxy on the way may answer so after it passed the request on.
    [503, { error: 'x' }],
    [503, failure('of another server')],
  ])('is not sent again after %i', async (status, body) => {
    await using server = await failing(9, status, body);
    await failureOf(new Sandbox({ baseUrl: server.url }).file.read({ file: '/a' }));
    expect(server.heard).toBe(1);
  });
});

describe('an upload', () => {
  it('is sent again from a Blob, and not from a source that can be read only once', async () => {
    await using server = await failing(1, 503, failure('draining'));
    const { file } = new Sandbox({ baseUrl: server.url });
    const once = (async function* () {
      yield Buffer.from('x');
    })();
    expect((await failureOf(file.upload({ file: once }))).code).toBe('draining');
    await using again = await failing(1, 503, failure('draining'));
    const blob = new Blob(['x']);
    const error = await failureOf(new Sandbox({ baseUrl: again.url }).file.upload({ file: blob }));
    expect([error.code, again.heard]).toEqual(['unexpected_answer', 2]);
  });
});
