/**
 * Clients repeat by themselves what was answered 408, 429 or 5xx: the published one for JavaScript does so twice, also
 * for a POST. A command must not run twice for that, so none of those answers may come once it has started.
 */
import { request } from 'node:http';
import { aio, errorCatalogue } from '@paddock/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const quick = { PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' };

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ ...quick, PADDOCK_DRAIN_SECONDS: '5' });
});
afterAll(() => gateway[Symbol.asyncDispose]());

type Body = Readonly<Record<string, unknown>>;

const isRepeated = (status: number) => status === 408 || status === 429 || status >= 500;

/** Sends as that client does, and gives the last status and how often it was sent. */
async function sendAsClient(id: string, path: string, body: Body, to = gateway) {
  for (let sent = 1; ; sent++) {
    const { status, body: text } = await to.connection.send('POST', path, body, { 'x-sandbox-id': id });
    if (!isRepeated(status) || sent === 3) return { status, sent, answer: JSON.parse(text) };
  }
}

async function run(id: string, command: string, to = gateway): Promise<string> {
  const { status, answer } = await sendAsClient(id, '/v1/bash/exec', { command }, to);
  expect({ status, stderr: answer.data?.stderr }).toEqual({ status: 200, stderr: '' });
  return answer.data.stdout;
}

/** Counts its runs where a new server of the sandbox finds them. */
const counted = (rest: string) => `echo run >> /mnt/user-data/workspace/runs; ${rest}`;
const runs = (id: string) => run(id, 'cat /mnt/user-data/workspace/runs | wc -l');

/** Resolves when the command of a sandbox has counted its run. */
async function begun(id: string): Promise<void> {
  await run(id, 'until [ -s /mnt/user-data/workspace/runs ]; do sleep 0.01; done');
}

const shell = '/v1/shell/exec';
const bash = '/v1/bash/exec';
const killServer = 'kill -9 $(pgrep -f "[s]erver/main.cjs"); sleep 60';

/** More than a sandbox may have. */
const moreProcesses = 'for i in $(seq 1500); do sleep 60 & done 2> /dev/null; wait';

describe('a command that has started', () => {
  it.each<[string, string, Body, number, string?]>([
    ['ends', shell, { command: 'exit 7' }, 200, 'completed'],
    ['ends', bash, { command: 'exit 7' }, 200, 'completed'],
    ['outlives its soft timeout', shell, { command: 'sleep 1', timeout: 0.1 }, 200, 'running'],
    ['outlives its soft timeout', bash, { command: 'sleep 1', timeout: 0.1 }, 200, 'running'],
    ['is silent for too long', shell, { command: 'sleep 2', no_change_timeout: 1 }, 200, 'no_change_timeout'],
    ['is killed at its hard timeout', shell, { command: 'sleep 60', hard_timeout: 0.2 }, 200, 'hard_timeout'],
    ['is killed at its hard timeout', bash, { command: 'sleep 60', hard_timeout: 0.2 }, 200, 'timed_out'],
    ['kills its own shell', shell, { command: 'kill -9 $$' }, 200, 'terminated'],
    ['kills its own shell', bash, { command: 'kill -9 $$' }, 200],
    ['kills the server', shell, { command: killServer }, 410],
    ['kills the server', bash, { command: killServer }, 410],
    ['asks the server to end', shell, { command: killServer.replace('-9', '-15') }, 410],
    ['ends every process', bash, { command: 'kill -9 -1' }, 410],
    ['prints without end', bash, { command: 'yes', hard_timeout: 0.3 }, 200, 'timed_out'],
    ['takes all the processes', bash, { command: moreProcesses, hard_timeout: 0.5 }, 200],
  ])('and %s runs once (%s)', async (name, path, { command, ...rest }, status, outcome) => {
    const id = `once-${name.replaceAll(' ', '-')}-${path === shell ? 'shell' : 'bash'}`;
    const sent = await sendAsClient(id, path, { command: counted(String(command)), ...rest });
    expect({ status: sent.status, sent: sent.sent }).toEqual({ status, sent: 1 });
    if (outcome !== undefined) expect(sent.answer.data.status).toBe(outcome);
    expect(await runs(id)).toBe('1\n');
    await gateway.connection.call('DELETE', `/api/sandboxes/${id}`);
  });

  it.each([
    ['its session is deleted', 'DELETE', '/v1/shell/sessions/s', 200],
    ['all sessions are deleted', 'DELETE', '/v1/shell/sessions', 200],
    ['its sandbox is released', 'DELETE', '/api/sandboxes/ID', 410],
  ])('is not repeated when %s', async (name, method, path, status) => {
    const id = `ended-${name.replaceAll(' ', '-')}`;
    const sent = sendAsClient(id, shell, { id: 's', command: counted('sleep 60') });
    await begun(id);
    const ended = await gateway.connection.send(method, path.replace('ID', id), undefined, {
      'x-sandbox-id': id,
    });
    expect(ended.status).toBe(200);
    expect(await sent).toMatchObject({ status, sent: 1 });
  });

  it.each([shell, bash])('goes on once when its client leaves (%s)', async (path) => {
    const id = `left-${path.split('/')[2]}`;
    await run(id, 'true');
    const leaving = leave(id, path, { command: counted('sleep 0.3; echo over >> /tmp/over') });
    await begun(id);
    leaving.destroy();
    await run(id, 'until [ -s /tmp/over ]; do sleep 0.01; done');
    expect(await runs(id)).toBe('1\n');
  });

  it('is answered while the gateway drains, and nothing that comes then runs', async () => {
    await using draining = await startGateway({ ...quick, PADDOCK_DRAIN_SECONDS: '10' });
    const waiting = 'until [ -e /tmp/go ]; do sleep 0.01; done; wc -l < /mnt/user-data/workspace/runs';
    const open = sendAsClient('drain', bash, { command: counted(waiting) }, draining);
    const going = sendAsClient('drain', bash, { command: 'sleep 1; touch /tmp/go' }, draining);
    await run('drain', 'until [ -s /mnt/user-data/workspace/runs ]; do sleep 0.01; done', draining);
    draining.child.process.kill('SIGTERM');
    const isServed = () => draining.connection.send('GET', '/health').then(({ status }) => status === 200);
    await expect.poll(() => isServed().catch(() => false)).toBe(false);
    const late = sendAsClient('drain', bash, { command: counted('true') }, draining);
    expect(await late.catch(({ code }) => code)).toSatisfy(
      (end) => end === 'ECONNREFUSED' || end.answer.code === 'draining',
    );
    expect((await open).answer.data).toMatchObject({ status: 'completed', stdout: '1\n' });
    expect((await going).status).toBe(200);
    expect(await draining.child.ended).toBe('exit code 0');
  });
});

describe('a command that could not start', () => {
  it('behind another one in its session has not run', async () => {
    const first = sendAsClient('busy', shell, { id: 's', command: counted('sleep 60') });
    await begun('busy');
    const second = await sendAsClient('busy', shell, { id: 's', command: counted('true'), timeout: 0.1 });
    expect(second).toMatchObject({ status: 409, sent: 1, answer: { code: 'session_busy' } });
    expect(await runs('busy')).toBe('1\n');
    await gateway.connection.call('DELETE', '/api/sandboxes/busy');
    await first;
  });

  it('for want of a sandbox runs once, when the client asks again', async () => {
    await using small = await startGateway({ ...quick, PADDOCK_MAX_SANDBOXES: '1' });
    await run('first', 'true', small);
    const refused = await small.connection.send(
      'POST',
      bash,
      { command: counted('true') },
      { 'x-sandbox-id': 'b' },
    );
    expect({ status: refused.status, after: Number(refused.headers['retry-after']) }).toEqual({
      status: 429,
      after: expect.any(Number),
    });
    await small.connection.call('DELETE', '/api/sandboxes/first');
    expect(await run('b', counted('wc -l < /mnt/user-data/workspace/runs'), small)).toBe('1\n');
  });
});

describe('the error catalogue', () => {
  it('has no failure of shell and bash that clients would repeat', () => {
    const codes = [...Object.values(aio.shell), ...Object.values(aio.bash)].flatMap(({ errors }) => errors);
    expect(codes.filter((code) => isRepeated(errorCatalogue[code].status))).toEqual([]);
  });
});

/** Sends a request whose answer nobody waits for. */
function leave(id: string, path: string, body: Body) {
  const headers = { 'x-sandbox-id': id, 'content-type': 'application/json' };
  const outgoing = request(`${gateway.url}${path}`, { method: 'POST', headers, agent: false });
  outgoing.on('error', () => {}); // It is ours.
  outgoing.end(JSON.stringify(body));
  return outgoing;
}
