/** Clients that leave in the middle: what they began ends or is undone, and whoever comes next notices nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, failure, type Target, targets } from './target.ts';

const shell = '/v1/shell/exec';
const bash = '/v1/bash/exec';

describe.each(Object.keys(targets))('%s whose client leaves', (name) => {
  let target: Target;
  beforeAll(async () => {
    target = (await targets[name]?.()) as Target;
    await target.run('true');
  });
  afterAll(() => target[Symbol.asyncDispose]());
  afterEach(() => target.expectHealthy());

  /** Waits in the sandbox, and not in the session that is watched, until a condition holds. */
  async function until(condition: string): Promise<void> {
    const command = `until ${condition}; do sleep 0.02; done`;
    const { body } = await target.send(bash, { body: { command, hard_timeout: 10 } });
    expect(body, condition).toMatchObject({ data: { status: 'completed', exit_code: 0 } });
  }

  it.each([
    ['a command', shell, { accept: 'application/json' }],
    ['a command', bash, { accept: 'application/json' }],
    ['the stream of a command', shell, { accept: 'text/event-stream' }],
  ])('in the middle of %s lets it end and the session be used (%s)', async (_, path, headers) => {
    const [begun, over] = [
      `${target.folder}/begun-${Math.random()}`,
      `${target.folder}/over-${Math.random()}`,
    ];
    const command = `echo early; touch ${begun}; sleep 0.2; echo late; touch ${over}`;
    const outgoing = target.begin(path, { headers });
    outgoing.on('error', () => {}); // It is ours.
    outgoing.end(JSON.stringify({ command, ...(path === shell ? { id: 'shared' } : {}) }));
    await until(`[ -e ${begun} ]`);
    outgoing.destroy();
    await until(`[ -e ${over} ]`);
    if (path === shell) {
      const { body } = await target.send('/v1/shell/view', { body: { id: 'shared' } });
      expect(body).toMatchObject({ data: { output: 'early\nlate\n' } });
    }
  });

  it('in the queue of a session has nothing run', async () => {
    const [begun, go, ran] = ['begun', 'go', 'ran'].map((file) => `${target.folder}/${file}`);
    const command = `touch ${begun}; until [ -e ${go} ]; do sleep 0.01; done`;
    const first = target.send(shell, { body: { id: 'shared', command } });
    await until(`[ -e ${begun} ]`);
    const queued = target.begin(shell);
    queued.on('error', () => {}); // It is ours.
    queued.end(JSON.stringify({ id: 'shared', command: `touch ${ran}` }));
    await behindTheQueue();
    queued.destroy();
    await behindTheQueue();
    await target.send(bash, { body: { command: `touch ${go}` } });
    await first;
    expect(await target.run(`test -e ${ran} && echo ran || echo none`)).toBe('none\n');
  });

  /** Waits in the queue of the shared session in vain: what was sent before is known to the server then. */
  async function behindTheQueue(): Promise<void> {
    const body = { id: 'shared', command: 'true', timeout: 0.1 };
    expect(await target.send(shell, { body })).toMatchObject({ status: 409, body: failure('session_busy') });
  }

  it('in the middle of a body has nothing written', async () => {
    const outgoing = target.begin('/v1/file/write', { headers: { 'content-length': '1000000' } });
    outgoing.on('error', () => {}); // It is ours.
    const part = `{"file": "${target.folder}/partial", "content": "${'x'.repeat(100_000)}`;
    await new Promise((resolve) => outgoing.write(part, resolve));
    outgoing.destroy();
    expect(await target.run(`ls -A ${target.folder} | grep -c partial`)).toBe('0\n');
  });

  it.each(['before', 'behind'])(
    'in the middle of an upload, whose path comes %s it, leaves no file',
    async (where) => {
      const field = `--x\r\ncontent-disposition: form-data; name="path"\r\n\r\n${target.folder}/upload.bin\r\n`;
      const file = '--x\r\ncontent-disposition: form-data; name="file"; filename="upload.bin"\r\n\r\n';
      const outgoing = target.begin('/v1/file/upload', {
        headers: { 'content-type': 'multipart/form-data; boundary=x', 'transfer-encoding': 'chunked' },
      });
      outgoing.on('error', () => {}); // It is ours.
      outgoing.write((where === 'before' ? field : '') + file);
      outgoing.write(Buffer.alloc(4_000_000));
      const found = `$(find ${target.folder} "$PWD" -maxdepth 1 -type f -size +1M)`;
      await until(`[ -n "${found}" ]`);
      outgoing.destroy();
      await until(`[ -z "${found}" ]`);
    },
  );

  it('in the middle of a download frees what it read from', async () => {
    await target.run(`head -c 50000000 /dev/zero > ${target.folder}/zeros`);
    const outgoing = target.begin(`/v1/file/download?path=${target.folder}/zeros`, { method: 'GET' });
    outgoing.on('error', () => {}); // It is ours.
    outgoing.end();
    await new Promise((resolve) => outgoing.once('response', (response) => response.once('data', resolve)));
    outgoing.destroy();
    const open = "ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c '[z]eros'";
    await until(`[ "$(${open})" = 0 ]`);
    await target.run(`rm ${target.folder}/zeros`);
  });

  it('before its answer is read leaves no command waiting', async () => {
    const leaving = Array.from({ length: 50 }, () => {
      const outgoing = target.begin(bash);
      answerTo(outgoing).catch(() => {}); // It is ours.
      outgoing.end(JSON.stringify({ command: 'sleep 0.05; seq 10000' }));
      return outgoing;
    });
    await Promise.all(leaving.map((outgoing) => new Promise((resolve) => outgoing.once('finish', resolve))));
    for (const outgoing of leaving) outgoing.destroy();
  });
});
