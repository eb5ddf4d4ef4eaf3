import { aio, type Operation, type ShellExecResult } from '@paddock/protocol';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Sandbox, type StreamEvent } from '../src/index.ts';
import { failureOf } from './failure.ts';
import { listen } from './server.ts';

const result = { session_id: 's', command: 'c', status: 'completed', output: 'é', exit_code: 0 };

async function events(baseUrl: string) {
  const told: StreamEvent<ShellExecResult>[] = [];
  for await (const event of new Sandbox({ baseUrl }).streams.shell.exec({ command: 'c' })) told.push(event);
  return told;
}

/** A server that sends bytes in the given pieces, with a pause between them. */
function sending(pieces: readonly Buffer[], type = 'text/event-stream') {
  return listen(async (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': type }).flushHeaders();
    for (const piece of pieces)
      await new Promise((resolve) => response.write(piece, () => setImmediate(resolve)));
    response.end();
  });
}

describe('a stream', () => {
  const wire =
    ': keep-alive\n\nevent: output\ndata: {"output":"é\\n"}\n\nevent: news\ndata: {}\n\n' +
    `event: result\ndata: ${JSON.stringify({ ...result, hint: 'a new session' })}\n\n`;
  const expected = [
    { event: 'output', output: 'é\n' },
    { event: 'result', result, hint: 'a new session' },
  ];

  it.each([
    ['in one piece', [Buffer.from(wire)]],
    ['byte by byte', Array.from(Buffer.from(wire), (byte) => Buffer.from([byte]))],
    [
      'with other ends of lines',
      Array.from(Buffer.from(wire.replaceAll('\n', '\r\n')), (b) => Buffer.from([b])),
    ],
  ])('tells output and result that come %s', async (_, pieces) => {
    await using server = await sending(pieces);
    expect(await events(server.url)).toEqual(expected);
  });

  it('throws the failure that ends it', async () => {
    const body = { success: false, code: 'sandbox_died', message: 'gone', hint: 'check', data: null };
    await using server = await sending([Buffer.from(`event: error\ndata: ${JSON.stringify(body)}\n\n`)]);
    expect(await failureOf(events(server.url))).toMatchObject({ code: 'sandbox_died', message: 'gone' });
  });

  it('that ends without its result has lost its connection', async () => {
    await using server = await sending([Buffer.from('event: output\ndata: {"output":"1"}\n\n')]);
    expect((await failureOf(events(server.url))).code).toBe('connection_lost');
  });

  it('gives the result of a server that does not stream', async () => {
    const body = Buffer.from(JSON.stringify({ success: true, data: result, hint: 'plain' }));
    await using server = await sending([body], 'application/json');
    expect(await events(server.url)).toEqual([{ event: 'result', result, hint: 'plain' }]);
  });

  it.each(['left', 'aborted'])('ends its connection when it is %s', async (how) => {
    const closed = Promise.withResolvers<void>();
    await using server = await listen((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('event: output\ndata: {"output":"1"}\n\n');
      response.on('close', closed.resolve);
    });
    const stop = new AbortController();
    const reason = new Error('enough');
    const { streams } = new Sandbox({ baseUrl: server.url });
    const read = async () => {
      for await (const _ of streams.shell.exec({ command: 'c' }, { signal: stop.signal })) {
        if (how === 'left') break;
        stop.abort(reason);
      }
    };
    if (how === 'left') await read();
    else await expect(read()).rejects.toBe(reason);
    await closed.promise;
  });

  it('is there for every operation whose row offers events, with the type of its result', () => {
    const { streams } = new Sandbox();
    const offered = Object.entries(aio).flatMap(([group, rows]) =>
      Object.entries<Operation>(rows).flatMap(([name, row]) => (row.stream ? [`${group}.${name}`] : [])),
    );
    const there = Object.entries(streams).flatMap(([group, methods]) =>
      Object.keys(methods).map((name) => `${group}.${name}`),
    );
    expect(there.sort()).toEqual(offered.sort());
    expectTypeOf(streams.shell.exec).returns.toExtend<AsyncIterable<StreamEvent<ShellExecResult>>>();
  });
});
