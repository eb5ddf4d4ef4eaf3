import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BashRequest, BashSessions } from '../src/bash/sessions.ts';
import { textOf } from '../src/output/text.ts';
import { groupMembers } from '../src/processes/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'bash-test-'));
const mark = process.env.LEAK_CHECK_RUN;
const sessions = new BashSessions({
  runDir: join(folder, 'run'),
  workspace: folder,
  env: () => ({ PATH: process.env.PATH ?? '', ...(mark === undefined ? {} : { LEAK_CHECK_RUN: mark }) }),
});
afterAll(async () => {
  await sessions[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function run(text: string, more: Omit<BashRequest, 'text'> = {}, id?: string) {
  const { session, command } = await sessions.start(id, { text, ...more });
  await command.ended;
  const { status, exitCode } = command;
  return {
    sessionId: session.id,
    status,
    exitCode,
    stdout: textOf(command.stdout).text,
    stderr: textOf(command.stderr).text,
  };
}

describe('a bash command', () => {
  it('keeps output and errors apart, and gives its exit code', async () => {
    const ran = await run('echo out; echo err >&2; exit 3');
    expect(ran).toMatchObject({ stdout: 'out\n', stderr: 'err\n', status: 'completed', exitCode: 3 });
  });

  it('has pipes that can be opened by name', async () => {
    expect(await run('echo a | tee /dev/stderr; echo b >/dev/stdout')).toMatchObject({
      stdout: 'a\nb\n',
      stderr: 'a\n',
    });
  });

  it('tells a signal by its exit code', async () => {
    expect(await run('kill -TERM $$')).toMatchObject({ status: 'completed', exitCode: 143 });
  });

  it('gets its variables, which no other command sees', async () => {
    expect((await run('echo $A', { env: { A: 'one' } })).stdout).toBe('one\n');
    expect((await run('echo $A')).stdout).toBe('\n');
  });

  it('reads nothing instead of waiting for ever', async () => {
    expect(await run('cat; read x; echo $?')).toMatchObject({ stdout: '1\n', exitCode: 0 });
  });

  it('of a megabyte runs, and its messages name no file of ours', async () => {
    const ran = await run(`X='${'a'.repeat(1_000_000)}'; echo \${#X} $#; nosuch`);
    expect(ran).toMatchObject({ stdout: '1000000 0\n', exitCode: 127 });
    expect(ran.stderr).toMatch(/^bash: line 1: nosuch: command not found\n$/);
  });

  it('is killed with its whole group at the hard timeout', async () => {
    const { command } = await sessions.start(undefined, {
      text: 'echo $$; (trap "" TERM; sleep 60) & sleep 60',
      hardTimeoutMs: 100,
    });
    await command.ended;
    expect(command.status).toBe('timed_out');
    expect(groupMembers(Number(textOf(command.stdout).text))).toEqual([]);
  });

  it('is answered although a child in the background holds its output', async () => {
    const startedAt = performance.now();
    expect(await run('sleep 30 & echo a')).toMatchObject({ stdout: 'a\n', exitCode: 0 });
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('keeps all output that was printed before it ended', async () => {
    expect((await run('head -c 1500000 /dev/zero | tr "\\0" x')).stdout.length).toBe(1_500_000);
    const flood = await run('yes | head -c 50000000; echo last');
    expect(flood.stdout).toMatch(/ bytes omitted of 50000005\] .*last\n$/s);
  });

  it('runs beside others', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, (_, i) => run(`echo ${i}; echo e${i} >&2`)));
    expect(all.map(({ stdout, stderr }) => stdout + stderr)).toEqual(all.map((_, i) => `${i}\ne${i}\n`));
  });
});

describe('a bash session', () => {
  it('keeps the folder that was given, and nothing else', async () => {
    const { sessionId } = await run('cd /; A=1', { dir: '/usr' });
    expect((await run('pwd; echo "$A"', {}, sessionId)).stdout).toBe('/usr\n\n');
  });

  it('refuses a folder that is not there, with nothing run', async () => {
    await expect(run('true', { dir: '/nowhere' })).rejects.toMatchObject({ code: 'working_dir_not_found' });
    await expect(run('true', { dir: 'relative' })).rejects.toMatchObject({ code: 'working_dir_not_found' });
  });

  it('says when a command cannot be started', async () => {
    await expect(run('true', { env: { A: 'a'.repeat(200_000) } })).rejects.toMatchObject({
      code: 'session_failed',
    });
  });
});
