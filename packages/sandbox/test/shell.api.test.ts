import { aio } from '@paddock/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { shellRoutes } from '../src/shell/index.ts';
import { TestApi } from './shell.api.support.ts';
import { TestShells } from './shell.support.ts';

const shells = new TestShells();
const api = await TestApi.of(aio.shell, shellRoutes(shells.sessions));
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await shells[Symbol.asyncDispose]();
  expect(api.faults).toEqual([]);
});

/** Starts a command and waits until it has printed this. */
async function startedAnd(id: string, command: string, printed: string): Promise<void> {
  await api.data('/v1/shell/exec', { id, command, async_mode: true });
  while (!String((await api.data('/v1/shell/view', { id })).output).includes(printed)) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('/v1/shell/wait', () => {
  it('answers once the command has ended, or when the time is up', async () => {
    await startedAnd('wait', 'echo on; sleep 0.3; echo done', 'on');
    expect(await api.data('/v1/shell/wait', { id: 'wait', seconds: 0.02 })).toEqual({ status: 'running' });
    expect(await api.data('/v1/shell/wait', { id: 'wait', max_wait_seconds: 10 })).toEqual({
      status: 'completed',
    });
    expect(await api.data('/v1/shell/wait', { id: 'wait' })).toEqual({ status: 'completed' });
  });

  it('knows a session in which nothing ran, and none that never was', async () => {
    await api.data('/v1/shell/sessions/create', { id: 'fresh' });
    expect(await api.data('/v1/shell/wait', { id: 'fresh' })).toEqual({ status: 'completed' });
    expect((await api.call('/v1/shell/wait', { id: 'never' })).status).toBe(404);
  });
});

describe('/v1/shell/write', () => {
  it('types text, and presses Enter where that is wanted', async () => {
    await startedAnd('write', 'echo "name?"; read name; echo "hi $name"', 'name?');
    const typed = { id: 'write', input: 'A', press_enter: false };
    expect(await api.data('/v1/shell/write', typed)).toEqual({ status: 'running' });
    await api.data('/v1/shell/write', { id: 'write', input: 'da', press_enter: true });
    await api.data('/v1/shell/wait', { id: 'write' });
    expect(await api.data('/v1/shell/view', { id: 'write' })).toMatchObject({
      output: 'name?\nhi Ada\n',
      status: 'completed',
      exit_code: 0,
    });
  });

  it('takes control characters for keys', async () => {
    await startedAnd('keys', "bash -c 'echo on; exec sleep 60'", 'on');
    await api.data('/v1/shell/write', { id: 'keys', input: '\x03' });
    expect(await api.data('/v1/shell/wait', { id: 'keys', seconds: 10 })).toEqual({ status: 'completed' });
    expect(await api.data('/v1/shell/view', { id: 'keys' })).toMatchObject({ exit_code: 130 });
    await startedAnd('keys', 'echo on; cat; echo end', 'on');
    await api.data('/v1/shell/write', { id: 'keys', input: 'text\r\x04' });
    await api.data('/v1/shell/wait', { id: 'keys', seconds: 10 });
    expect(await api.data('/v1/shell/view', { id: 'keys' })).toMatchObject({ output: 'on\ntext\nend\n' });
  });

  it('refuses when nothing runs, so that nothing waits for the next command to read it', async () => {
    await api.data('/v1/shell/exec', { id: 'nothing', command: 'true' });
    const refused = await api.call('/v1/shell/write', { id: 'nothing', input: 'x', press_enter: true });
    expect(refused).toMatchObject({ status: 409, body: { code: 'no_running_command' } });
    expect(
      await api.data('/v1/shell/exec', { id: 'nothing', command: 'read -t 0.05 x; echo "<$x>"' }),
    ).toMatchObject({
      output: '<>\n',
    });
  });

  it('says what a terminal does to long lines, and survives a program that does not read', async () => {
    await startedAnd('long', 'echo on; sleep 60', 'on');
    const { body } = await api.call('/v1/shell/write', { id: 'long', input: 'a'.repeat(5000) });
    expect(body.hint).toMatch(/4095/);
    for (let i = 0; i < 5; i += 1)
      await api.call('/v1/shell/write', { id: 'long', input: 'b\n'.repeat(100_000) });
    await api.data('/v1/shell/kill', { id: 'long' });
    await api.data('/v1/shell/sessions/create', { id: 'other' });
  });
});

describe('/v1/shell/kill', () => {
  it('stops the command and keeps the session', async () => {
    await startedAnd('kill', 'A=1; echo on; sleep 60', 'on');
    expect(await api.data('/v1/shell/kill', { id: 'kill' })).toEqual({
      status: 'terminated',
      exit_code: null,
      returncode: 137,
    });
    expect(await api.data('/v1/shell/exec', { id: 'kill', command: 'echo $A' })).toMatchObject({
      output: '1\n',
    });
  });

  it('tells how a command ended that had ended before', async () => {
    await api.data('/v1/shell/exec', { id: 'ended', command: '(exit 7)' });
    const told = { status: 'completed', exit_code: 7, returncode: 7 };
    expect(await api.data('/v1/shell/kill', { id: 'ended' })).toEqual(told);
  });

  it('lets the command behind it run', async () => {
    await startedAnd('next', 'echo on; sleep 60', 'on');
    const next = api.data('/v1/shell/exec', { id: 'next', command: 'echo next' });
    await api.data('/v1/shell/kill', { id: 'next' });
    expect(await next).toMatchObject({ output: 'next\n', status: 'completed' });
  });
});

describe('/v1/shell/exec', () => {
  it('streams what is printed, and the result at last', async () => {
    const response = await fetch(`${api.origin}/v1/shell/exec`, {
      method: 'POST',
      headers: { accept: 'text/event-stream' },
      body: JSON.stringify({ id: 'stream', command: 'echo a; sleep 0.1; echo b' }),
    });
    const events = Array.from(
      (await response.text()).matchAll(/^event: (\w+)\ndata: (.*)$/gm),
      ([, event, data = '']) => [event, JSON.parse(data)],
    );
    expect(events).toEqual([
      ['output', { output: 'a\n' }],
      ['output', { output: 'b\n' }],
      ['result', expect.objectContaining({ output: 'a\nb\n', status: 'completed', exit_code: 0 })],
    ]);
  });

  it('cuts long output in its middle unless told not to', async () => {
    const cut = await api.data('/v1/shell/exec', { id: 'cut', command: 'seq 20000' });
    expect(String(cut.output)).toMatch(/^1\n2\n[\s\S]*bytes omitted of 108894[\s\S]*\n20000\n$/);
    expect(String(cut.output).length).toBeLessThan(30_100);
    const whole = await api.data('/v1/shell/exec', { id: 'cut', command: 'seq 20000', truncate: false });
    expect(String(whole.output).length).toBe(108_894);
  });

  it('refuses a command that waited too long behind another, with nothing run', async () => {
    await startedAnd('busy', 'echo on; sleep 60', 'on');
    const refused = await api.call('/v1/shell/exec', { id: 'busy', command: 'touch never', timeout: 0.05 });
    expect(refused).toMatchObject({ status: 409, body: { code: 'session_busy' } });
    await api.data('/v1/shell/kill', { id: 'busy' });
  });
});
