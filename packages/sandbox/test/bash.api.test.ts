import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aio } from '@paddock/protocol';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BashSessions, bashRoutes } from '../src/bash/index.ts';
import { commandMembers, isAlive } from '../src/processes/index.ts';
import { TestApi } from './shell.api.support.ts';

const folder = mkdtempSync(join(tmpdir(), 'bash-api-'));
const mark = process.env.LEAK_CHECK_RUN;
const sessions = new BashSessions({
  runDir: join(folder, 'run'),
  workspace: folder,
  env: () => ({ PATH: process.env.PATH ?? '', ...(mark === undefined ? {} : { LEAK_CHECK_RUN: mark }) }),
});
const api = await TestApi.of(aio.bash, bashRoutes(sessions));
afterAll(async () => {
  await sessions[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  expect(api.faults).toEqual([]);
});

interface Ids {
  readonly session_id: unknown;
  readonly command_id: unknown;
}

async function begin(command: string, more: object = {}): Promise<Ids> {
  const { session_id, command_id } = await api.data('/v1/bash/exec', { command, async_mode: true, ...more });
  return { session_id, command_id };
}

/** All that a command prints until it ends, as a client reads it. */
async function follow(ids: Ids) {
  let [stdout, stderr, offset, stderr_offset] = ['', '', 0, 0];
  for (;;) {
    const news = await api.data('/v1/bash/output', { ...ids, offset, stderr_offset, wait: true });
    stdout += news.stdout;
    stderr += news.stderr;
    offset = Number(news.offset);
    stderr_offset = Number(news.stderr_offset);
    const command = Object(news.command);
    if (command.status !== 'running') return { stdout, stderr, ...command };
  }
}

async function printed(ids: Ids, text: string): Promise<string> {
  for (;;) {
    const { stdout } = await api.data('/v1/bash/output', { ...ids, wait: true, wait_timeout: 0.05 });
    if (String(stdout).includes(text)) return String(stdout);
  }
}

describe('/v1/bash/output', () => {
  it('gives what is new, character by character whole, until the command has ended', async () => {
    const ids = await begin(
      'for i in 1 2 3; do printf "é$i\\xe2"; sleep 0.02; printf "\\x82\\xac\\n"; echo e$i >&2; done; exit 4',
    );
    expect(await follow(ids)).toMatchObject({
      stdout: 'é1€\né2€\né3€\n',
      stderr: 'e1\ne2\ne3\n',
      status: 'completed',
      exit_code: 4,
    });
  });

  it('counts offsets in bytes, and takes the latest command when none is named', async () => {
    const { session_id } = await begin('true');
    await api.data('/v1/bash/exec', { session_id, command: 'printf "aéb"' });
    expect(await api.data('/v1/bash/output', { session_id, offset: 1 })).toMatchObject({
      stdout: 'éb',
      offset: 4,
    });
    expect(await api.data('/v1/bash/output', { session_id, offset: 3 })).toMatchObject({
      stdout: 'b',
      offset: 4,
    });
  });

  it('gives from any offset the characters that begin there or later, while it runs and after', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((part) => part.replaceAll('\0', ''));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 4 }), fc.array(fc.nat(200)), async (parts, offsets) => {
        const printing = parts.map((part) => `echo ${Buffer.from(part).toString('base64')} | base64 -d`);
        const ids = await begin(printing.join('; sleep 0.001; '));
        const whole = Buffer.from(parts.join(''));
        expect((await follow(ids)).stdout).toBe(whole.toString());
        for (const offset of offsets.map((number) => number % (whole.length + 2))) {
          const isInside = (at: number) => ((whole[at] ?? 0) & 0xc0) === 0x80;
          const start = [0, 1, 2, 3].map((add) => offset + add).find((at) => !isInside(at));
          const read = await api.data('/v1/bash/output', { ...ids, offset });
          expect(read).toMatchObject({ stdout: whole.subarray(start).toString(), offset: whole.length });
        }
      }),
      { numRuns: 40 },
    );
  });

  it('waits no longer than it is told to, and answers at once when the command has ended', async () => {
    const ids = await begin('sleep 60');
    const startedAt = performance.now();
    expect(await api.data('/v1/bash/output', { ...ids, wait: true, wait_timeout: 0.1 })).toMatchObject({
      stdout: '',
    });
    expect(performance.now() - startedAt).toBeGreaterThan(90);
    await api.data('/v1/bash/kill', { session_id: ids.session_id, signal: 'SIGKILL' });
    expect(await api.data('/v1/bash/output', { ...ids, wait: true })).toMatchObject({
      command: { status: 'killed' },
    });
  });

  it('keeps old commands in bounded number, and says of others that they are gone', async () => {
    const ids = await begin('echo first');
    await follow(ids);
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 16 }, () => api.data('/v1/bash/exec', { command: 'true' })));
    }
    expect(await api.call('/v1/bash/output', ids)).toMatchObject({
      status: 404,
      body: { code: 'command_not_found' },
    });
    expect((await api.call('/v1/bash/output', { session_id: 'never' })).body.code).toBe('session_not_found');
  });
});

describe('/v1/bash/write', () => {
  it('is read by a command that was started for it', async () => {
    const ids = await begin('read a; read b; echo "$a-$b"');
    await api.data('/v1/bash/write', { ...ids, input: 'one\ntw' });
    await api.data('/v1/bash/write', { session_id: ids.session_id, input: 'o\n' });
    expect(await follow(ids)).toMatchObject({ stdout: 'one-two\n' });
  });

  it('works in a session that was made for it, also while a call waits', async () => {
    const { session_id } = await api.data('/v1/bash/sessions/create', { exec_dir: '/usr' });
    const call = api.data('/v1/bash/exec', { session_id, command: 'pwd; read x; echo "<$x>"' });
    await printed({ session_id, command_id: null }, '/usr');
    await api.data('/v1/bash/write', { session_id, input: 'x\n' });
    expect(await call).toMatchObject({ stdout: '/usr\n<x>\n' });
  });

  it('is refused where nobody would read it', async () => {
    const running = api.data('/v1/bash/exec', { session_id: 'sync', command: 'cat; sleep 0.2', timeout: 5 });
    for (;;) {
      const { status, body } = await api.call('/v1/bash/write', { session_id: 'sync', input: 'x' });
      if (body.code === 'session_not_found' || body.code === 'no_running_command') continue;
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'input_closed' });
      break;
    }
    await running;
    const { body } = await api.call('/v1/bash/write', { session_id: 'sync', input: 'x' });
    expect(body.code).toBe('no_running_command');
  });

  it('has a limit to what waits to be read', async () => {
    const ids = await begin('sleep 60');
    const codes = [];
    for (let i = 0; i < 3; i += 1) {
      codes.push((await api.call('/v1/bash/write', { ...ids, input: 'x'.repeat(500_000) })).body.code);
    }
    expect(codes).toEqual([undefined, undefined, 'input_full']);
    await api.data('/v1/bash/kill', { session_id: ids.session_id, signal: 'SIGKILL' });
  });
});

describe('/v1/bash/kill', () => {
  const leftover = 'sleep 61; sleep 61';
  it.each([
    ['a child', `(${leftover}) & sleep 60`],
    ['one that began a session', `setsid bash -c '${leftover}' & sleep 60`],
    ['one that forked twice', `(setsid bash -c '(${leftover}) >/dev/null 2>&1 &' &) ; sleep 60`],
    ['one with another environment', `env -i setsid sleep 61 & sleep 60`],
    [
      'one that left it, of no program',
      `(set -m; (while :; do sleep 0.01; done) & ) >/dev/null 2>&1; sleep 60`,
    ],
    ['one that ignores requests', `(trap "" TERM INT HUP; ${leftover}) & sleep 60`],
  ])('ends %s', async (_name, command) => {
    const ids = await begin(`ulimit -Sx; ${command.replace(/sleep 60$/, 'echo on; sleep 60')}`);
    const fileLocks = Number.parseInt(await printed(ids, 'on'), 10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const marked = { variable: `PADDOCK_COMMAND_ID=${ids.command_id}`, fileLocks };
    const before = commandMembers(undefined, marked);
    expect(before.length).toBeGreaterThanOrEqual(2);
    await api.data('/v1/bash/kill', { session_id: ids.session_id, signal: 'SIGKILL' });
    expect(before.filter(isAlive)).toEqual([]);
    expect(commandMembers(undefined, marked)).toEqual([]);
    expect(await follow(ids)).toMatchObject({ status: 'killed' });
  });

  it('lets a command clean up, and take an interrupt as it likes', async () => {
    const cleaning = await begin('trap "echo bye; exit 3" TERM; echo on; while :; do sleep 0.01; done');
    await printed(cleaning, 'on');
    await api.data('/v1/bash/kill', { session_id: cleaning.session_id });
    expect(await follow(cleaning)).toMatchObject({ stdout: 'on\nbye\n', status: 'killed', exit_code: 3 });
    const caught = await begin(
      'trap "echo caught; trap - INT; exit 0" INT; echo on; while :; do sleep 0.01; done',
    );
    await printed(caught, 'on');
    await api.data('/v1/bash/kill', { session_id: caught.session_id, signal: 'SIGINT' });
    expect(await follow(caught)).toMatchObject({ status: 'completed', exit_code: 0 });
  });

  it('is no failure when nothing runs', async () => {
    const { session_id } = await api.data('/v1/bash/exec', { command: 'true' });
    expect((await api.call('/v1/bash/kill', { session_id })).status).toBe(200);
  });
});

describe('bash sessions', () => {
  it('are listed, and cannot be used again once they are closed', async () => {
    const created = await api.data('/v1/bash/sessions/create', { session_id: 'kept', exec_dir: '/usr' });
    expect(created).toMatchObject({
      session_id: 'kept',
      status: 'ready',
      working_dir: '/usr',
      command_count: 0,
    });
    const ids = await begin('echo on; sleep 60', { session_id: 'kept' });
    const pid = await begin('echo $$; sleep 60', { session_id: 'kept' });
    const running = Number(await printed(pid, '\n'));
    const list = (await api.get('/v1/bash/sessions')).body.data;
    expect(list).toContainEqual(
      expect.objectContaining({ session_id: 'kept', current_command: 'echo $$; sleep 60', command_count: 2 }),
    );
    await printed(ids, 'on');
    await api.data('/v1/bash/sessions/kept/close');
    expect(isAlive(running)).toBe(false);
    expect((await api.call('/v1/bash/exec', { session_id: 'kept', command: 'true' })).body.code).toBe(
      'session_closed',
    );
    expect((await api.call('/v1/bash/output', ids)).body.code).toBe('session_not_found');
  });

  it('source their snapshot before each command', async () => {
    const path = join(folder, 'snapshot');
    writeFileSync(path, 'echo noise; greet() { echo "hi $1"; }; export FROM=snapshot\n');
    const { session_id } = await api.data('/v1/bash/sessions/create', { snapshot_path: path });
    expect(await api.data('/v1/bash/exec', { session_id, command: 'greet you; echo $FROM' })).toMatchObject({
      stdout: 'hi you\nsnapshot\n',
    });
    const missing = await api.call('/v1/bash/sessions/create', { snapshot_path: '/nowhere' });
    expect(missing.status).toBe(404);
  });
});

describe('a command in bash', () => {
  it.each([
    'echo "$0 $# $- $SHLVL ${OLDPWD-none} $((SECONDS<2))"; trap; jobs; set -o; shopt',
    'echo $BASH_SUBSHELL; echo $$ $BASHPID | tr " " "\n" | uniq -c',
    'echo $$ >&2; [ "$(readlink /proc/self)" != $$ ] && ps -o pid= -p $$ | wc -l',
    'declare -p | grep -o "__[p]addock[^=]*"; declare -F; alias; compgen -A function',
    '[ -n "$!" ]; echo $?; sleep 0 & [ -n "$!" ]; echo $?; wait "$!"; echo $?; jobs',
    'nosuch\n\nnosuch; echo $LINENO',
    'f() { nosuch; }\nf\ncat <<X | tr a b\na\nX\ncd /nowhere',
    'if',
    'echo "$(',
    'echo a; fi; echo b',
    'set -u; echo $nosuch; echo on',
    'echo a >&2; : ${nosuch?no}; echo on',
    'echo a; : ${nosuch:?no}; echo on',
    'set -euo pipefail; false | true; echo on',
    'set -e; (exit 3); echo on',
    'trap "echo end \\$?" EXIT; exit 4',
    'trap "echo int" INT; kill -INT $BASHPID; echo $?',
    'trap "echo int" INT; kill -INT $$; echo $?',
    'set -m; sleep 0 & wait; set +m; echo $-',
    'ls -l /proc/self/fd | wc -l; ls /proc/$BASHPID/fd | wc -l',
    'grep -E "Sig(Ign|Blk|Cgt)" /proc/self/status; grep -E "Sig(Ign|Blk)" /proc/$BASHPID/status',
    'ps -o pgid=,sid= -p $BASHPID | { read g s; [ "$g" = $BASHPID ]; echo $?; }',
    'coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x',
    'cat <(echo hi); exec 5<>/dev/null; ls /proc/self/fd | wc -l',
    'umask; ulimit -n; ulimit -u; pwd; type -t cd; hash',
    'mapfile -t x < <(printf "a\\nb\\n"); echo "${#x[@]} ${x[1]}"; echo "${!x[@]}"',
    'echo "${BASH_SOURCE[0]-none} ${FUNCNAME[0]-none} ${#BASH_LINENO[@]} $BASH_COMMAND"',
    'export A=1; unset -v PATH; echo $A; type ls',
    'exec 2>&1; exec nosuch',
    'printf "%s\\n" "$OPTIND $OPTERR $IFS $PS4"; getopts a: x -a 1; echo $x $OPTARG',
    'read x; echo "<$x>"; wait; times | wc -l; suspend',
    'env | cut -d= -f1 | sort; set | grep -c __[p]addock',
  ])('is as `bash -c` would have it: %s', async (command) => {
    const { PADDOCK_COMMAND_ID: _mark, SHLVL: _level, ...environment } = await variables();
    const plain = spawnSync('setsid', ['bash', '-c', command, 'bash'], {
      cwd: '/usr',
      env: environment,
      // A socket instead would have it read the start files for remote shells.
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
    for (const env of [{}, { 'odd.name': '1' }]) {
      const { stdout, stderr, exit_code } = await api.data('/v1/bash/exec', {
        command,
        env,
        exec_dir: '/usr',
      });
      const told = { stdout: withoutOwn(String(stdout)), stderr: withoutOwn(String(stderr)), exit_code };
      const { stdout: out, stderr: err, status } = plain;
      expect(told).toEqual({ stdout: withoutOwn(out), stderr: withoutOwn(err), exit_code: status });
    }
  });

  it('gets variables of any name and content', async () => {
    const env = { A: "it's\n\\n $x", 'odd.name': 'dot', LC_ALL: 'C', LONG: 'x'.repeat(100_000) };
    const command = `printf '%s|' "$A" "\${#LONG}" "$LC_ALL"; env | grep odd; set -x; : traced`;
    expect(await api.data('/v1/bash/exec', { command, env })).toMatchObject({
      stdout: "it's\n\\n $x|100000|C|odd.name=dot\n",
      stderr: '+ : traced\n',
    });
  });

  it.each([
    ['exit 3', 3],
    ['(exit 4)', 4],
    ['exec sh -c "exit 5"', 5],
    ['set -e; false; exit 6', 1],
    ['trap "exit 7" EXIT; exit 1', 7],
    ['kill -INT $$; exit 8', 130],
    ['kill -KILL $$', 137],
    ['kill -TERM 0; sleep 5', 143],
    ['echo "', 2],
    ['nosuch', 127],
    ['break; true', 0],
  ])('`%s` ends with %i', async (command, exit_code) => {
    expect(await api.data('/v1/bash/exec', { command })).toMatchObject({ status: 'completed', exit_code });
  });

  it('lives on while it is stopped', async () => {
    const ids = await begin('echo $$; kill -STOP $$; echo on');
    const pid = Number(await printed(ids, '\n'));
    expect(
      await api.data('/v1/bash/output', { ...ids, wait: true, offset: 20, wait_timeout: 0.2 }),
    ).toMatchObject({
      command: { status: 'running' },
    });
    process.kill(pid, 'SIGCONT');
    expect(await follow(ids)).toMatchObject({ stdout: `${pid}\non\n` });
  });

  it('outlives whoever kills the shells that start commands', async () => {
    const ids = await begin('echo on; sleep 0.2; echo still');
    await printed(ids, 'on');
    await api.data('/v1/bash/exec', { command: 'kill -9 $PPID; true', timeout: 2 });
    expect(await follow(ids)).toMatchObject({ stdout: 'on\nstill\n' });
    expect(await api.data('/v1/bash/exec', { command: 'echo OK' })).toMatchObject({ stdout: 'OK\n' });
  });
});

/** The environment that commands get. */
async function variables(): Promise<Record<string, string>> {
  const { stdout } = await api.data('/v1/bash/exec', { command: 'env -0' });
  const pairs = String(stdout)
    .split('\0')
    .filter(Boolean)
    .map((pair: string) => pair.split(/=(.*)/s).slice(0, 2));
  return Object.fromEntries(pairs);
}

/** Without what differs and may: the marks, the numbers of processes, and how bash calls what it parses. */
function withoutOwn(text: string): string {
  return text
    .replace(/^(PADDOCK_COMMAND_ID|odd\.name)\n/gm, '')
    .replace(/^bash: (-c|eval): /gm, 'bash: ')
    .replace(/\b\d{3,}\b/g, '#');
}
