/** The command line beyond running commands, with the gateway and the sandboxes that it is shipped with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { programHost } from '../support/programs.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/cli/main.cjs');

let gateway: Gateway;
let folder: string;
beforeAll(async () => {
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
  await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'box' });
});
afterAll(() => gateway[Symbol.asyncDispose]());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-more-'));
  return () => rmSync(folder, { recursive: true });
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { PATH, HOME, LANG, TMPDIR, LEAK_CHECK_RUN } = process.env;
  const clean = { PATH, HOME, LANG, TMPDIR, LEAK_CHECK_RUN, PADDOCK_URL: gateway.url };
  return spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...clean, ...env } });
}

async function paddock(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = start(args, env);
  child.stdin?.end();
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), ended(child)]);
  return { exitCode: child.exitCode, stdout, stderr };
}

const inBox = async (command: string) => (await paddock(['exec', 'box', '--', 'bash', '-c', command])).stdout;

async function read(stream: ChildProcess['stdout']): Promise<string> {
  return stream ? text(stream) : '';
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

const quiet = { exitCode: 0, stdout: '', stderr: '' };

describe('paddock exec', () => {
  const traces = () => inBox('ls -A /tmp | grep -v "^.paddock" | wc -l; pgrep -fc "[s]leep 4[2]" || true');

  it('prints what a command writes while it runs', async () => {
    const child = start(['exec', 'box', '--', 'bash', '-c', 'echo now; sleep 42']);
    const [first] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    expect(String(first)).toBe('now\n');
    child.kill('SIGINT');
    await ended(child);
    expect(child.exitCode).toBe(130);
  });

  it('lets a command take the first Ctrl-C as it likes', async () => {
    const child = start([
      'exec',
      'box',
      '--',
      'bash',
      '-c',
      'trap "echo taken; exit 5" INT; echo now; sleep 42',
    ]);
    await once(child.stdout ?? child, 'data');
    child.kill('SIGINT');
    const [rest] = await Promise.all([read(child.stdout), ended(child)]);
    expect([rest, child.exitCode]).toEqual(['taken\n', 5]);
  });

  it('ends a command and all that it started at the second Ctrl-C, and puts everything away', async () => {
    const before = await traces();
    const stubborn = 'trap "echo no" INT; (sleep 42 &); echo now; while :; do sleep 42; done';
    const child = start(['exec', 'box', '--', 'bash', '-c', stubborn]);
    const output = child.stdout ?? child;
    await once(output, 'data');
    child.kill('SIGINT');
    expect(String((await once(output, 'data'))[0])).toBe('no\n');
    child.kill('SIGINT');
    await ended(child);
    expect(child.exitCode).toBe(130);
    expect(await traces()).toBe(before);
    // But for those of the command that looks.
    expect(await inBox('ls -A /tmp | grep -c "^.paddock"')).toBe('2\n');
  });

  it('gives a command no input to wait for', async () => {
    expect(await paddock(['exec', 'box', '--', 'cat'])).toEqual(quiet);
  });

  it('hands on what it reads, byte for byte, and its end', async () => {
    const bytes = randomBytes(3_000_000);
    const child = start(['exec', 'box', '--', 'bash', '-c', 'cat; echo over >&2; exit 6']);
    child.stdin?.end(bytes);
    const [stdout, stderr] = await Promise.all([
      child.stdout ? buffer(child.stdout) : Buffer.of(),
      read(child.stderr),
      ended(child),
    ]);
    expect(stdout.equals(bytes)).toBe(true);
    expect([stderr, child.exitCode]).toEqual(['over\n', 6]);
  });

  it('hands on what it reads as it comes', async () => {
    const child = start(['exec', 'box', '--', 'bash', '-c', 'while read -r line; do echo "got $line"; done']);
    for (const line of ['one', 'two']) {
      child.stdin?.write(`${line}\n`);
      expect(String((await once(child.stdout ?? child, 'data'))[0])).toBe(`got ${line}\n`);
    }
    child.stdin?.end();
    await ended(child);
    expect(child.exitCode).toBe(0);
  });

  it('does not wait for an input that its command does not read', async () => {
    const child = start(['exec', 'box', '--', 'head', '-c', '3']);
    child.stdin?.write('abcdef');
    const [stdout] = await Promise.all([read(child.stdout), ended(child)]);
    expect([stdout, child.exitCode]).toEqual(['abc', 0]);
    child.stdin?.destroy();
  });

  it('gives hundreds of megabytes whole', async () => {
    const sizeBytes = 300_000_000;
    const child = start(['exec', 'box', '--', 'head', '-c', `${sizeBytes}`, '/dev/zero']);
    let received = 0;
    for await (const chunk of child.stdout ?? []) received += chunk.length;
    expect(received).toBe(sizeBytes);
    await ended(child);
    expect(child.exitCode).toBe(0);
  });
});

describe('paddock cp', () => {
  it('copies a folder in and out again as it was', async () => {
    mkdirSync(join(folder, 'tree/deep/er'), { recursive: true });
    mkdirSync(join(folder, 'tree/empty'));
    const odd = "it's a\n$name é";
    writeFileSync(join(folder, 'tree/deep/er', odd), Buffer.from([0, 255, 10]));
    writeFileSync(join(folder, 'tree/.hidden'), '');
    writeFileSync(join(folder, 'tree/run.sh'), '#!/bin/sh\necho ran\n');
    chmodSync(join(folder, 'tree/run.sh'), 0o755);
    for (let i = 0; i < 100; i++) writeFileSync(join(folder, `tree/deep/${i}`), `${i}\n`);

    expect(await paddock(['cp', 'tree', 'box:'])).toEqual(quiet);
    expect(await inBox('cd /mnt/user-data/workspace/tree && ./run.sh && ls -A . deep/er')).toBe(
      `ran\n.:\n.hidden\ndeep\nempty\nrun.sh\n\ndeep/er:\n${odd}\n`,
    );
    const told = await paddock(['--json', 'cp', 'box:tree', 'back']);
    expect(JSON.parse(told.stdout)).toEqual({ sandbox_id: 'box', files: 103, bytes: 312 });
    const names = (top: string) => readdirSync(join(folder, top), { recursive: true }).sort();
    expect(names('back')).toEqual(names('tree'));
    expect(readFileSync(join(folder, 'back/deep/er', odd))).toEqual(Buffer.from([0, 255, 10]));
    expect(statSync(join(folder, 'back/run.sh')).mode & 0o111).not.toBe(0);
    expect(statSync(join(folder, 'back/deep/1')).mode & 0o111).toBe(0);
  });

  it('puts into a folder that is there, and else under the new name', async () => {
    writeFileSync(join(folder, 'a'), 'a\n');
    expect(await paddock(['cp', 'a', 'box:/tmp'])).toEqual(quiet);
    expect(await paddock(['cp', 'a', 'box:/tmp/new/b'])).toEqual(quiet);
    expect(await inBox('cat /tmp/a /tmp/new/b')).toBe('a\na\n');
    expect(await paddock(['cp', 'box:/tmp/new/b', '.'])).toEqual(quiet);
    expect(await paddock(['cp', 'box:/tmp/new', 'c'])).toEqual(quiet);
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'b', 'c', 'c/b']);
  });

  it('leaves out what is no file or folder, and says so', async () => {
    mkdirSync(join(folder, 'tree'));
    symlinkSync('.', join(folder, 'tree/loop'));
    writeFileSync(join(folder, 'tree/a'), '');
    const there = await paddock(['cp', 'tree', 'box:/tmp/special']);
    expect(there).toEqual({ ...quiet, stderr: 'warning: tree/loop is left out: no file or folder\n' });
    await inBox('mkfifo /tmp/special/pipe');
    const back = await paddock(['cp', 'box:/tmp/special', 'back']);
    expect(back).toEqual({
      ...quiet,
      stderr: 'warning: /tmp/special/pipe is left out: no file or folder\n',
    });
    expect(readdirSync(join(folder, 'back'))).toEqual(['a']);
  });

  it('leaves no half of a file when it is interrupted', async () => {
    await inBox('head -c 2000000000 /dev/zero > /tmp/big');
    const child = start(['cp', 'box:/tmp/big', 'big']);
    await expect.poll(() => readdirSync(folder).length).toBe(1);
    child.kill('SIGINT');
    await ended(child);
    expect([child.exitCode, readdirSync(folder)]).toEqual([130, []]);
    await inBox('rm /tmp/big');
  });

  it.each([
    ['a file that is not here', ['cp', 'gone', 'box:'], 'gone cannot be read'],
    ['a file that is not there', ['cp', 'box:/gone', '.'], '/gone is not there in the sandbox'],
    ['a folder that cannot be written', ['cp', '/etc/hostname', 'box:/proc/x'], '/proc/x'],
    ['a sandbox that is not there', ['cp', '/etc/hostname', 'nobody:'], 'no sandbox "nobody"'],
  ])('refuses %s', async (_, args, message) => {
    const { exitCode, stdout, stderr } = await paddock(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
    expect(stderr).toContain(message);
  });
});

describe('paddock url', () => {
  it('tells where a sandbox is, and the programs in it', async () => {
    expect((await paddock(['url', 'box'])).stdout).toBe(`${gateway.url}/s/box\n`);
    expect((await paddock(['url', 'box', '3000'])).stdout).toBe(`http://${programHost(gateway, 'box')}\n`);
    const { exitCode, stderr } = await paddock(['url', 'box', '70000']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 125,
      stderr: 'error: "70000" is not a port\nhint: Give a number from 1 to 65535.\n',
    });
  });
});

describe('paddock ls and rm', () => {
  it('list sandboxes and end those that are named', async () => {
    for (const sandbox_id of ['one', 'two']) {
      await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id });
    }
    expect((await paddock(['ls', '-q'])).stdout.split('\n').sort()).toEqual(['', 'box', 'one', 'two']);
    expect((await paddock(['ls'])).stdout).toMatch(/^ID +STATUS\n(\w+ +Running\n){3}$/);
    const { exitCode, stderr } = await paddock(['rm', 'one', 'gone', 'two']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 125,
      stderr: 'error: there is no sandbox "gone"\nhint: List them with `paddock ls`.\n',
    });
    expect(JSON.parse((await paddock(['ls', '--json'])).stdout)).toMatchObject([{ sandbox_id: 'box' }]);
  });
});

describe('paddock config', () => {
  it('tells each setting and its source, and no secret', async () => {
    writeFileSync(join(folder, 'paddock.yaml'), 'warmSandboxes: 5\n');
    const env = { SANDBOX_API_KEY: 'very-secret', PADDOCK_NETWORK: 'none' };
    const args = ['config', '--port', '99'];
    const shown = await paddock(args, env);
    expect(shown.stdout).toMatch(/^port +99 +the flag --port$/m);
    expect(shown.stdout).toMatch(/^network +none +the variable PADDOCK_NETWORK$/m);
    expect(shown.stdout).toMatch(/^warmSandboxes +5 +\/.+\/paddock\.yaml:1$/m);
    expect(shown.stdout).toMatch(/^apiKey +\(set\) +the variable SANDBOX_API_KEY$/m);
    const told = await paddock([...args, '--json'], env);
    expect(JSON.parse(told.stdout)).toMatchObject({
      port: { value: 99, from: 'flag', flag: '--port' },
      host: { value: '127.0.0.1', from: 'default' },
    });
    expect(shown.stdout + told.stdout + shown.stderr).not.toContain('very-secret');
  });

  it('names the nearest setting for one that is not known', async () => {
    writeFileSync(join(folder, 'paddock.yaml'), 'prot: 1\n');
    const { exitCode, stderr } = await paddock(['config']);
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(/^error: .+"prot".+\nhint: Did you mean port\?\n$/);
  });
});

describe('paddock doctor', () => {
  const settings = () => ({
    PADDOCK_DATA_DIR: join(folder, 'data'),
    PADDOCK_PORT: '0',
    PADDOCK_NETWORK: 'none',
  });

  it('finds a machine on which sandboxes work, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await paddock(['doctor', '--json'], settings());
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Record<string, string>[] };
    expect({ exitCode, ok, stderr }).toEqual({ exitCode: 0, ok: true, stderr: '' });
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'namespaces',
        'bwrap',
        'slirp4netns',
        'cgroups',
        'data folder',
        'port',
        'gateway',
      ]),
    );
    expect(checks.at(-1)).toMatchObject({ name: 'sandbox', status: 'ok' });
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it.each([
    [
      'a port in use',
      () => ({ PADDOCK_PORT: new URL(gateway.url).port, PADDOCK_HOST: '127.0.0.1' }),
      0,
      /^ok +port +.+ of a gateway that runs$/m,
    ],
    [
      'a data folder that cannot be made',
      () => ({ PADDOCK_DATA_DIR: '/proc/x' }),
      1,
      /^fail +data folder +\/proc\/x .+\n +hint: .+$/m,
    ],
    [
      'a gateway that does not answer',
      () => ({ PADDOCK_URL: 'http://127.0.0.1:1' }),
      1,
      /^fail +gateway +nobody answers .+\n +hint: .+$/m,
    ],
    [
      'settings that are wrong',
      () => ({ PADDOCK_PORT: 'high' }),
      1,
      /^fail +settings +port .+\n +hint: .+$/m,
    ],
  ])('tells of %s', async (_, env, expected, line) => {
    const { exitCode, stdout } = await paddock(['doctor'], { ...settings(), ...env() });
    expect(stdout).toMatch(line);
    expect(exitCode).toBe(expected);
  });
});

describe('paddock run', () => {
  it('starts in a folder without skills when no gateway is there', async () => {
    const alone = ['--dev-bind', '/', '/', '--unshare-net', '--die-with-parent', '--'];
    const args = [...alone, process.execPath, main, 'run', '--', 'ls', '/mnt/skills'];
    const { PATH, HOME, TMPDIR, LEAK_CHECK_RUN } = process.env;
    const env = { PATH, HOME, TMPDIR, LEAK_CHECK_RUN, PADDOCK_NETWORK: 'none' };
    const child = spawn('bwrap', args, { cwd: folder, env });
    const [stderr] = await Promise.all([read(child.stderr), ended(child)]);
    expect([child.exitCode, stderr]).toEqual([0, '']);
  });
});

describe('paddock logs', () => {
  it('tells what became of a sandbox, whole, in part, and as JSON', async () => {
    const { stdout, exitCode } = await paddock(['logs', 'box']);
    expect(exitCode).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z life claimed$/);
    expect(lines[1]).toMatch(/ life a server was started: /);
    expect((await paddock(['logs', '--tail', '1', 'box'])).stdout).toBe(`${lines.at(-1)}\n`);
    expect((await paddock(['logs', '--since', '2999-01-01T00:00:00Z', 'box'])).stdout).toBe('');
    expect((await paddock(['logs', '--since', '1d', 'box'])).stdout).toBe(stdout);
    const told = (await paddock(['--json', 'logs', '--tail', '2', 'box'])).stdout.trimEnd().split('\n');
    expect(told.map((line) => JSON.parse(line))).toContainEqual({
      time: expect.any(String),
      source: 'life',
      text: expect.stringMatching(/claimed|started/),
    });
  });

  it('follows what comes until the sandbox is gone', async () => {
    await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'followed' });
    const child = start(['logs', '-f', 'followed']);
    const lines = read(child.stdout);
    await once(child.stdout ?? child, 'data');
    await gateway.connection.call('DELETE', '/api/sandboxes/followed');
    await ended(child);
    expect([(await lines).trimEnd().split('\n').at(-1), child.exitCode]).toEqual([
      expect.stringMatching(/ life released$/),
      0,
    ]);
  });

  it.each([
    ['a sandbox that is not there', ['gone'], /no sandbox "gone"/],
    ['a number that is none', ['--tail', 'x', 'box'], /--tail is "x"/],
    ['a time that is none', ['--since', 'noon', 'box'], /--since is "noon"/],
  ])('refuses %s', async (_, args, message) => {
    const { exitCode, stderr } = await paddock(['logs', ...args]);
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nhint: .+\n$/);
  });
});

describe('paddock without a gateway', () => {
  it.each([[['ls']], [['exec', 'box', '--', 'true']], [['logs', 'box']], [['status']]])(
    '%j says how to start one',
    async (args) => {
      const { exitCode, stderr } = await paddock(args, { PADDOCK_URL: 'http://127.0.0.1:1' });
      expect(exitCode).toBe(125);
      expect(stderr).toMatch(
        /^error: nobody answers at http:\/\/127\.0\.0\.1:1 .*\nhint: .*`paddock serve`.*\n$/,
      );
    },
  );
});
