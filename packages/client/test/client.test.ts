import { type BashExecResult, type FileEntry, version } from '@paddock/protocol';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Gateway, OwnedSandbox, Sandbox, type Transport } from '../src/index.ts';
import { failureOf } from './failure.ts';
import { listen, listenAndAnswer } from './server.ts';

const written = {
  success: true,
  message: 'written',
  data: { file: '/a', bytes_written: 1 },
  hint: 'a new session',
};

describe('a call', () => {
  it('sends the fields in the body of a POST and gives the data', async () => {
    await using server = await listenAndAnswer(200, written);
    const sandbox = new Sandbox({ baseUrl: `${server.url}/`, apiKey: 'k', id: 'chat-1' });
    const data = await sandbox.file.write({ file: '/a', content: 'é', append: undefined });
    expect(data).toEqual({ file: '/a', bytes_written: 1 });
    expect(server.heard).toMatchObject([
      {
        method: 'POST',
        url: '/v1/file/write',
        headers: {
          'x-api-key': 'k',
          'x-sandbox-id': 'chat-1',
          'content-type': 'application/json',
          'user-agent': `paddock/${version}`,
        },
        body: { file: '/a', content: 'é' },
      },
    ]);
  });

  it('fills the path of a DELETE, keeps the prefix of the base URL, and sends no body', async () => {
    await using server = await listenAndAnswer(200, { success: true, message: 'ok', data: null });
    const sandbox = new Sandbox({ baseUrl: `${server.url}/s/chat-1` });
    expect(await sandbox.shell.deleteSession({ session_id: 'a/b ü' })).toEqual({});
    expect(server.heard).toMatchObject([
      { method: 'DELETE', url: '/s/chat-1/v1/shell/sessions/a%2Fb%20%C3%BC', body: undefined },
    ]);
  });

  it.each(['.', '..', ''])('never lets the id %j reach another route', async (session_id) => {
    await using server = await listenAndAnswer(200, written);
    const sandbox = new Sandbox({ baseUrl: server.url });
    expect((await failureOf(sandbox.shell.deleteSession({ session_id }))).code).toBe('invalid_request');
    expect(server.heard).toEqual([]);
  });

  it('gives the hint and the message where the whole answer is asked for', async () => {
    await using server = await listenAndAnswer(200, written);
    const { answers } = new Sandbox({ baseUrl: server.url });
    expect(await answers.file.write({ file: '/a', content: '' })).toEqual({
      data: { file: '/a', bytes_written: 1 },
      message: 'written',
      hint: 'a new session',
    });
  });

  it('turns credentials of the URL into Basic authorization', async () => {
    await using server = await listenAndAnswer(200, { status: 'ok' });
    await new Gateway({ baseUrl: `http://:k%40y@127.0.0.1:${server.port}` }).service.health();
    expect(server.heard[0]?.headers.authorization).toBe(`Basic ${btoa(':k@y')}`);
  });

  it('may travel by another fetch', async () => {
    await using server = await listenAndAnswer(200, { status: 'ok' });
    const urls: string[] = [];
    const counted: Transport = (url, init) => {
      urls.push(url);
      return fetch(url, init);
    };
    expect(await new Gateway({ baseUrl: server.url, fetch: counted }).service.health()).toEqual({
      status: 'ok',
    });
    expect(urls).toEqual([`${server.url}/health`]);
  });

  it('has the types of the table', () => {
    const sandbox = new Sandbox();
    expectTypeOf(sandbox.bash.exec).returns.resolves.toEqualTypeOf<BashExecResult>();
    expectTypeOf(sandbox.file.list).returns.resolves.toHaveProperty('files').toEqualTypeOf<FileEntry[]>();
    expectTypeOf(sandbox.bash.exec).parameter(0).toHaveProperty('command').toEqualTypeOf<string>();
    expectTypeOf<Parameters<typeof sandbox.shell.listSessions>>().toExtend<[unknown?, unknown?]>();
    // @ts-expect-error: a command is required
    void (() => sandbox.bash.exec());
  });
});

describe('a failure', () => {
  it('carries what the catalogue says', async () => {
    const body = {
      success: false,
      code: 'file_not_found',
      message: 'no /a',
      hint: 'look',
      data: { path: '/a' },
    };
    await using server = await listenAndAnswer(404, body);
    const error = await failureOf(new Sandbox({ baseUrl: server.url }).file.read({ file: '/a' }));
    expect(error).toMatchObject({
      code: 'file_not_found',
      status: 404,
      message: 'no /a',
      hint: 'look',
      details: [],
    });
    expect(error.data).toEqual({ path: '/a' });
  });

  it('names the fields that do not fit', async () => {
    const detail = [{ loc: ['body', 'command'], msg: 'Required', type: 'missing' }];
    await using server = await listenAndAnswer(422, { detail });
    const error = await failureOf(new Sandbox({ baseUrl: server.url }).shell.exec({ command: '' }));
    expect(error).toMatchObject({ code: 'invalid_request', status: 422, details: detail });
    expect(error.message).toBe('the request does not fit: body.command: Required');
  });

  it('is one too when it comes with status 200', async () => {
    await using server = await listenAndAnswer(200, {
      success: false,
      message: 'no /a',
      data: { path: '/a' },
    });
    const error = await failureOf(new Sandbox({ baseUrl: server.url }).file.read({ file: '/a' }));
    expect(error).toMatchObject({ code: 'operation_failed', message: 'no /a', data: { path: '/a' } });
  });

  it.each([
    [502, '<html>', 'answered 502 with text/html instead of JSON'],
    [200, '<html>', 'answered 200 with text/html instead of JSON'],
    [500, '{"error":"x"}', 'answered 500'],
    [200, '{"success":true,"data":{"file":1}}', 'content: '],
  ])('is told when %i %s comes from something else', async (status, body, message) => {
    await using server = await listen((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(body);
    });
    const error = await failureOf(new Sandbox({ baseUrl: server.url }).file.read({ file: '/a' }));
    expect(error).toMatchObject({ code: 'unexpected_answer', status });
    expect(error.message).toContain(message);
  });

  it('says when nobody listens, with the URL and what to do, and never its secrets', async () => {
    const closed = await listenAndAnswer(200, {});
    await closed[Symbol.asyncDispose]();
    const baseUrl = `http://:key@127.0.0.1:${closed.port}/s/a.secret`;
    for (const fetchOption of [undefined, fetchWithoutCredentials]) {
      const options = { baseUrl, fetch: fetchOption, retries: 0 };
      const error = await failureOf(new Sandbox(options).file.read({ file: '/a' }));
      expect(error).toMatchObject({ code: 'unreachable', status: undefined });
      expect(error.message).toBe(`nobody answers at ${closed.url} (ECONNREFUSED)`);
      expect(error.hint).toContain('paddock serve');
    }
  });

  it.each(['before the answer', 'in the middle of the answer'])(
    'says that a command may have run when the connection breaks %s',
    async (when) => {
      let requests = 0;
      await using server = await listen((request, response) => {
        requests++;
        request.resume().on('end', () => {
          if (when !== 'before the answer') response.writeHead(200, { 'content-length': 10 }).write('{');
          setImmediate(() => response.destroy());
        });
      });
      const error = await failureOf(new Sandbox({ baseUrl: server.url }).bash.exec({ command: 'rm -r /' }));
      expect(error.code).toBe('connection_lost');
      expect(error.hint).toContain('may have run');
      expect(requests).toBe(1);
    },
  );

  it('of a base URL that is none is thrown at once', () => {
    expect(() => new Sandbox({ baseUrl: 'ftp://a' })).toThrow(TypeError);
    expect(() => new Gateway({ baseUrl: 'nowhere' })).toThrow(TypeError);
  });
});

describe('a signal', () => {
  it.each(['of the client', 'of the call'])(
    '%s ends a call that waits, with its own reason',
    async (whose) => {
      const stop = new AbortController();
      const reason = new Error('enough');
      await using server = await listen(() => stop.abort(reason));
      const own = whose === 'of the client' ? { signal: stop.signal } : {};
      const other = new AbortController().signal;
      const sandbox = new Sandbox({ baseUrl: server.url, ...own });
      const options = whose === 'of the client' ? { signal: other } : { signal: stop.signal };
      await expect(sandbox.bash.exec({ command: 'sleep 9' }, options)).rejects.toBe(reason);
      await expect(sandbox.bash.exec({ command: 'sleep 9' }, options)).rejects.toBe(reason);
    },
  );
});

describe('a sandbox that was created', () => {
  const running = { sandbox_id: 'chat-1', sandbox_url: 'http://elsewhere/s/chat-1', status: 'Running' };

  it('is spoken to by its path and released at the end of its scope, also after an abort', async () => {
    await using server = await listenAndAnswer(200, {
      ...running,
      ok: true,
      success: true,
      data: { content: 'x', file: '/a' },
    });
    const stop = new AbortController();
    {
      await using sandbox = await Sandbox.create({ baseUrl: server.url, id: 'chat-1', signal: stop.signal });
      expect(sandbox).toBeInstanceOf(OwnedSandbox);
      await sandbox.file.read({ file: '/a' });
      stop.abort();
    }
    expect(server.heard.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'POST /api/sandboxes',
      'POST /s/chat-1/v1/file/read',
      'DELETE /api/sandboxes/chat-1',
    ]);
  });

  it('gets a random id, and is released when it does not start in time', async () => {
    const body = {
      success: false,
      code: 'sandbox_starting',
      message: 'still starting',
      hint: 'again',
      data: null,
    };
    const heard: string[] = [];
    await using server = await listen((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      const starting = request.method === 'POST';
      response
        .writeHead(starting ? 503 : 200)
        .end(JSON.stringify(starting ? body : { ok: true, sandbox_id: 'x' }));
    });
    expect((await failureOf(Sandbox.create({ baseUrl: server.url, retries: 0 }))).code).toBe(
      'sandbox_starting',
    );
    expect(heard).toEqual([
      'POST /api/sandboxes',
      expect.stringMatching(/^DELETE \/api\/sandboxes\/[0-9a-f-]{36}$/),
    ]);
  });
});

describe('a sandbox that is connected to', () => {
  it('must exist', async () => {
    const body = {
      success: false,
      code: 'sandbox_not_found',
      message: 'none',
      hint: 'create it',
      data: null,
    };
    await using server = await listenAndAnswer(404, body);
    expect((await failureOf(Sandbox.connect({ baseUrl: server.url, id: 'gone' }))).code).toBe(
      'sandbox_not_found',
    );
    expect(server.heard).toMatchObject([{ method: 'GET', url: '/api/sandboxes/gone' }]);
  });
});

const fetchWithoutCredentials: Transport = (url, init) => fetch(url, init);
