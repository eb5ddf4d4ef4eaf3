import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '@paddock/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import { sessionMembers } from '../src/processes/index.ts';
import { TestShells } from './shell.support.ts';

const shells = new TestShells();
const { sessions } = shells;
afterAll(() => shells[Symbol.asyncDispose]());

/** Resolves when the latest command of a session has printed this. */
async function printed(id: string, text: string): Promise<void> {
  const found = sessions.find(id);
  const latest = 'session' in found ? found.session.latest : found.latest;
  while (latest !== undefined && !latest.text().text.includes(text)) {
    const { promise, resolve } = Promise.withResolvers<void>();
    using _listening = latest.onChange(resolve);
    if (!latest.text().text.includes(text)) await promise;
  }
}

function live(id: string) {
  const found = sessions.find(id);
  if ('session' in found) return found.session;
  throw new Error(`${id} has ended`);
}

describe('a shell session', () => {
  it('keeps folder, variables, functions, aliases, jobs and the last exit code', async () => {
    await shells.run(
      'state',
      'cd /usr; A=1; export B=2; f() { echo "f$1"; }; alias g="f 7"; sleep 60 & (exit 42)',
    );
    const { output } = await shells.run('state', 'echo $?; pwd; echo $A $B; f 3; g; jobs -r | wc -l');
    expect(output).toBe('42\n/usr\n1 2\nf3\nf7\n1\n');
  });

  it('gives output to the byte, without prompt, echo or carriage returns', async () => {
    expect((await shells.run('exact', 'test -s /etc/passwd && echo OK || echo MISSING')).output).toBe('OK\n');
    expect((await shells.run('exact', "printf 'a\\r\\nb\\tc\\033[1m'")).output).toBe('a\r\nb\tc\x1b[1m');
  });

  it('is a terminal for its programs', async () => {
    const { output } = await shells.run(
      'tty',
      'test -t 0 && test -t 1 && test -t 2 && stty size && echo $PAGER',
    );
    expect(output).toBe('50 200\ncat\n');
  });

  it('hands no descriptors of the server to its programs', async () => {
    await shells.run('other', 'true');
    const { output } = await shells.run('descriptors', 'ls /proc/self/fd');
    expect(output.split(/\s+/).filter(Boolean)).toEqual(['0', '1', '2', '3']);
  });

  it('runs a command of a megabyte, and one of 50,000 lines', async () => {
    const long = await shells.run('large', `X='${"a'\\''b".repeat(200_000)}'; echo \${#X}`);
    expect(long.output).toBe('600000\n');
    const lines = await shells.run('large', `${'x=1\n'.repeat(50_000)}echo end`);
    expect(lines.output).toBe('end\n');
  });

  it('keeps the beginning and the end of 50 MB', async () => {
    const { output } = await shells.run('flood', 'echo first; yes é | head -c 50000000; echo; echo last');
    expect(output.length).toBeLessThan(2.2 * 1024 * 1024);
    expect(output).toMatch(/^first\né\n.*\n\.\.\. \[\d+ bytes omitted of 50000012\] \.\.\.\n.*\nlast\n$/s);
    expect(output).not.toContain('\ufffd');
  });

  it('leaves what a program reads to the caller', async () => {
    const { execution } = await sessions.start(
      'reads',
      { text: 'echo name?; read name; echo "hi $name"' },
      {},
    );
    await printed('reads', 'name?');
    live('reads').type('Ada\n');
    await printed('reads', 'hi Ada');
    expect((await shells.run('reads', 'echo OK')).output).toBe('OK\n');
    expect(execution.outcome).toEqual({ status: 'completed', exitCode: 0 });
  });

  it('changes to the folder of a command and stays there', async () => {
    expect((await shells.run('dir', { text: 'pwd', dir: '/usr/lib' })).output).toBe('/usr/lib\n');
    expect((await shells.run('dir', 'pwd')).output).toBe('/usr/lib\n');
    expect(live('dir').workingDir).toBe('/usr/lib');
  });

  it('says that a folder is missing, or refuses when that is wanted', async () => {
    const lenient = await shells.run('nodir', { text: 'echo on', dir: '/nowhere' });
    expect(lenient).toMatchObject({ output: 'on\n', hints: expect.stringContaining('does not exist') });
    const strict = shells.run('nodir', { text: 'echo on', dir: '/nowhere', strict: true });
    await expect(strict).rejects.toMatchObject({ code: 'working_dir_not_found' });
    expect((await shells.run('nodir', 'echo OK')).output).toBe('OK\n');
  });
});

describe('waiting for a command', () => {
  it('ends with the soft timeout while the command goes on', async () => {
    const soft = await shells.run('soft', 'echo a; sleep 0.3; echo b', { timeoutMs: 50 });
    expect(soft).toMatchObject({ end: 'timeout', output: 'a\n', outcome: undefined });
    await printed('soft', 'b\n');
  });

  it('ends when nothing was printed for too long while the command goes on', async () => {
    const silent = await shells.run('silent', 'echo a; read x; echo "$x"', { noChangeTimeoutMs: 60 });
    expect(silent).toMatchObject({ end: 'no_change', output: 'a\n', outcome: undefined });
    live('silent').type('typed\n');
    await printed('silent', 'typed');
  });

  it('does not end while something is printed', async () => {
    const busy = 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.05; done';
    expect((await shells.run('busy', busy, { noChangeTimeoutMs: 200 })).end).toBe('ended');
  });

  it('ends when the caller goes, and the command goes on', async () => {
    const gone = await shells.run('gone', 'sleep 0.1; echo b', { signal: AbortSignal.timeout(30) });
    expect(gone).toMatchObject({ end: 'gone', outcome: undefined });
    await printed('gone', 'b\n');
  });
});

describe('commands for one session', () => {
  it('run one after the other in the order of their arrival', async () => {
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const all = await Promise.all(numbers.map((i) => shells.run('order', `n=$((n+1)); echo ${i}:$n`)));
    expect(all.map(({ output }) => output)).toEqual(numbers.map((i) => `${i}:${i + 1}\n`));
  });

  it('give up after their time in the queue, without having run', async () => {
    const { execution } = await sessions.start('held', { text: 'read x' }, {});
    const queued = sessions.start('held', { text: 'touch ran' }, {}, { queueTimeoutMs: 40 });
    await expect(queued).rejects.toMatchObject({ code: 'session_busy' });
    live('held').type('\n');
    expect((await shells.run('held', 'ls ran')).output).toMatch(/No such file/);
    expect(execution.outcome?.status).toBe('completed');
  });

  it('leave the queue with their caller', async () => {
    await sessions.start('leave', { text: 'read x' }, {});
    const signal = AbortSignal.timeout(30);
    await expect(sessions.start('leave', { text: 'touch left' }, {}, { signal })).rejects.toThrow(Fault);
    live('leave').type('\n');
    expect((await shells.run('leave', 'ls left')).output).toMatch(/No such file/);
  });

  it('that wait when the session ends run in a fresh one', async () => {
    const [first, second] = await Promise.all([
      shells.run('next', 'A=1; exit 5'),
      shells.run('next', 'echo "A=$A"'),
    ]);
    expect(first.outcome).toEqual({ status: 'completed', exitCode: 5 });
    expect(second).toMatchObject({ output: 'A=\n', hints: expect.stringContaining('exit code 5') });
  });
});

describe('a command that is stopped', () => {
  it('is terminated with what it started, and the session stays', async () => {
    const { execution } = await sessions.start('stop', { text: 'A=1; echo a; sleep 60; echo on' }, {});
    await printed('stop', 'a\n');
    await live('stop').stop('terminated');
    expect(execution.outcome).toEqual({ status: 'terminated', exitCode: null });
    expect((await shells.run('stop', 'echo $A')).output).toBe('1\n');
  });
});

describe('calls without a session', () => {
  it('never wait behind a running command, and find their state again', async () => {
    const one = await sessions.start(undefined, { text: 'read x' }, {});
    const two = await shells.run(undefined, 'A=1; echo quick');
    expect(two.output).toBe('quick\n');
    expect(two.id).not.toBe(one.entry.session.id);
    expect(await shells.run(undefined, 'echo $A')).toMatchObject({ output: '1\n', id: two.id });
    expect((await shells.run('', 'echo $A')).id).toBe(two.id);
    live(one.entry.session.id).type('\n');
  });

  it('at once get sessions of their own', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, () => shells.run(undefined, 'echo $$; sleep 0.05')),
    );
    expect(new Set(all.map(({ output }) => output)).size).toBe(8);
  });

  it('never get a session that has a name', async () => {
    await shells.run('named', 'true');
    expect((await shells.run(undefined, 'true')).id).not.toBe('named');
  });
});

describe('the sessions', () => {
  it('are one per id, also when many create it at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => shells.run('single', 'echo $$')));
    expect(new Set(all.map(({ output }) => output)).size).toBe(1);
  });

  it('are refused beyond the limit, and none is taken from anyone', async () => {
    await using few = new TestShells({ maxSessions: 1 });
    await few.run('a', 'A=1');
    await expect(few.run('b', 'true')).rejects.toMatchObject({ code: 'session_limit' });
    expect((await few.run('a', 'echo $A')).output).toBe('1\n');
    await few.sessions.delete('a');
    expect((await few.run('b', 'echo OK')).output).toBe('OK\n');
  });

  it('end when idle for longer than they may', async () => {
    await using brief = new TestShells({ sessionTimeoutMs: 100 });
    await brief.run('a', 'A=1');
    const found = brief.sessions.find('a');
    while ('session' in found && found.session.standing !== 'ended')
      await new Promise((r) => setTimeout(r, 20));
    expect(await brief.run('a', 'echo "A=$A"')).toMatchObject({
      output: 'A=\n',
      hints: expect.stringContaining('idle'),
    });
  });

  it('are unknown when never created, or deleted', async () => {
    expect(() => sessions.find('never')).toThrow(Fault);
    await expect(sessions.delete('never')).rejects.toMatchObject({ code: 'session_not_found' });
    await shells.run('deleted', 'true');
    await sessions.delete('deleted');
    expect(() => sessions.find('deleted')).toThrow(Fault);
    expect((await shells.run('deleted', 'echo OK')).hints).toBe('');
  });

  it('leave nothing behind when deleted, whatever ignores a hangup', async () => {
    const { output } = await shells.run(
      'leftover',
      'nohup sleep 60 >/dev/null 2>&1 & (trap "" HUP TERM; sleep 61) & echo $$',
    );
    const leader = Number(/^(\d+)\n/m.exec(output.split('\n').slice(-2).join('\n'))?.[1]);
    expect(sessionMembers(leader).length).toBeGreaterThan(2);
    await sessions.delete('leftover');
    expect(sessionMembers(leader)).toEqual([]);
  });

  it('answer a running command when they are deleted', async () => {
    const { execution } = await sessions.start('doomed', { text: 'echo a; sleep 60' }, {});
    await printed('doomed', 'a\n');
    await sessions.delete('doomed');
    expect(execution.outcome).toEqual({ status: 'terminated', exitCode: null });
    expect(execution.text().text).toBe('a\n');
  });

  it('leave no folder behind', async () => {
    const some = new TestShells();
    await some.run('a', 'true');
    await some.sessions.deleteAll();
    expect(readdirSync(join(some.workspace, 'run'))).toEqual([]);
    await some[Symbol.asyncDispose]();
  });
});
