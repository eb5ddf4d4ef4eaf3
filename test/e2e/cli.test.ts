/** The command line as it is shipped, with the gateway and the sandboxes that it is shipped with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Process, processesNow } from '../leaks/processes.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/cli/main.cjs');

let gateway: Gateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Starts `paddock` in a folder of its own, without settings of whoever runs this. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...clean(), ...env } });
}

async function paddock(args: readonly string[], { stdin = '', env = {} } = {}) {
  return outcome(start(args, { PADDOCK_URL: gateway.url, ...env }), stdin);
}

async function outcome(child: ChildProcess, stdin = '') {
  child.stdin?.end(stdin);
  const [stdout, stderr] = await Promise.all([read(child.stdout), read(child.stderr), ended(child)]);
  return { exitCode: child.exitCode, stdout, stderr };
}

function clean(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TMPDIR, LEAK_CHECK_RUN } = process.env;
  return { PATH, HOME, LANG, TMPDIR, LEAK_CHECK_RUN, SKILLS_PATH: join(root, 'skills') };
}

async function read(stream: ChildProcess['stdout']): Promise<string> {
  return stream ? text(stream) : '';
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function sandboxes(): Promise<string[]> {
  const { sandboxes } = (await gateway.connection.call('GET', '/api/sandboxes')) as {
    sandboxes: { sandbox_id: string }[];
  };
  return sandboxes.map(({ sandbox_id }) => sandbox_id);
}

describe('paddock run', () => {
  it('runs a Python file with its arguments and ends with its exit code', async () => {
    writeFileSync(
      join(folder, 'main.py'),
      'import sys\nprint(sys.argv[1:])\nprint("bad", file=sys.stderr)\nsys.exit(3)\n',
    );
    expect(await paddock(['run', 'main.py', '--', '--rows', "it's 2"])).toEqual({
      exitCode: 3,
      stdout: `['--rows', "it's 2"]\n`,
      stderr: 'bad\n',
    });
  });

  it('runs bash from standard input', async () => {
    const stdin = 'cd /mnt/user-data/workspace && pwd; echo "$@" >&2; exit 4';
    expect(await paddock(['run', '--lang', 'bash', '-', '--', 'a', 'b'], { stdin })).toEqual({
      exitCode: 4,
      stdout: '/mnt/user-data/workspace\n',
      stderr: 'a b\n',
    });
  });

  it('runs a command in a sandbox of its own, isolated from this machine', async () => {
    const { stdout, exitCode } = await paddock(['run', '--', 'bash', '-c', 'id -u; ls /root; env']);
    expect({ exitCode, lines: stdout.split('\n').slice(0, 1) }).toEqual({ exitCode: 0, lines: ['1000'] });
    expect(stdout).not.toContain(folder);
  });

  it('gives ten megabytes of output whole', async () => {
    const command = "head -c 10000000 /dev/zero | tr '\\0' x; head -c 1000000 /dev/zero | tr '\\0' e >&2";
    const { stdout, stderr, exitCode } = await paddock(['run', '--', 'bash', '-c', command]);
    expect({ exitCode, out: stdout.length, err: stderr.length }).toEqual({
      exitCode: 0,
      out: 10_000_000,
      err: 1_000_000,
    });
    expect(/^x+$/.test(stdout) && /^e+$/.test(stderr)).toBe(true);
  });

  it('ends with 127 and the words of the shell when there is no such command', async () => {
    const { exitCode, stderr } = await paddock(['run', '--', 'no-such-command']);
    expect(exitCode).toBe(127);
    expect(stderr).toContain('no-such-command: command not found');
  });

  it('leaves no sandbox behind, also when it is interrupted', async () => {
    await paddock(['run', '--', 'true']);
    expect(await sandboxes()).toEqual([]);
    const child = start(['run', '--', 'sleep', '60'], { PADDOCK_URL: gateway.url });
    await expect.poll(sandboxes).toHaveLength(1);
    child.kill('SIGINT');
    expect((await outcome(child)).exitCode).toBe(130);
    expect(await sandboxes()).toEqual([]);
  });

  // Its own network has no other gateway at the usual address.
  it.runIf(process.platform === 'linux')('starts a gateway for itself when there is none', async () => {
    const alone = ['--dev-bind', '/', '/', '--unshare-net', '--die-with-parent', '--'];
    const run = ['run', '--', 'bash', '-c', 'echo here; exit 5'];
    const child = spawn('bwrap', [...alone, process.execPath, main, ...run], {
      cwd: folder,
      env: { ...clean(), PADDOCK_NETWORK: 'none' },
    });
    expect(await outcome(child)).toEqual({ exitCode: 5, stdout: 'here\n', stderr: '' });
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('paddock-run-'))).toEqual([]);
  });
});

describe('paddock exec', () => {
  it('runs in a sandbox that exists, and what it made stays there', async () => {
    await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'kept' });
    const write = await paddock(['exec', 'kept', '--', 'bash', '-c', 'echo hi > /tmp/hi; exit 9']);
    expect(write).toEqual({ exitCode: 9, stdout: '', stderr: '' });
    expect(await paddock(['exec', 'kept', '--', 'cat', '/tmp/hi'])).toEqual({
      exitCode: 0,
      stdout: 'hi\n',
      stderr: '',
    });
    await gateway.connection.call('DELETE', '/api/sandboxes/kept');
  });

  it('makes no sandbox for an id that is not there', async () => {
    const { exitCode, stdout, stderr } = await paddock(['exec', 'gone', '--', 'true']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toMatch(/^error: there is no sandbox "gone"\nhint: .+\n$/);
    expect(await sandboxes()).toEqual([]);
  });
});

describe('paddock status --json', () => {
  it('tells what the gateway is and which sandboxes it has', async () => {
    await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'seen' });
    const { exitCode, stdout } = await paddock(['--json', 'status']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      url: gateway.url,
      status: 'ok',
      count: 1,
      sandboxes: [{ sandbox_id: 'seen', status: 'Running' }],
    });
    await gateway.connection.call('DELETE', '/api/sandboxes/seen');
  });
});

describe('a failure of paddock', () => {
  it.each([
    ['nobody at the URL', ['--url', 'http://127.0.0.1:1', 'status'], {}],
    ['a wrong key', ['--api-key', 'wrong', 'status'], {}],
    ['an id that cannot be one', ['exec', 'a b', '--', 'true'], {}],
    ['a port in use', ['serve', '--port', 'GATEWAY'], {}],
    ['a setting that is none', ['serve', '--port', 'high'], {}],
    ['a configuration that cannot be read', ['serve', '--config', '/not/there.yaml'], {}],
    ['a configuration with an unknown key', ['serve', '--config', 'CONFIG'], {}],
  ])('such as %s ends with a line that says what to do', async (name, args) => {
    writeFileSync(join(folder, 'bad.yaml'), 'prot: 1\n');
    await using keyed = name === 'a wrong key' ? await startGateway(keyedSettings) : undefined;
    const given = args.map((arg) =>
      arg === 'GATEWAY' ? new URL(gateway.url).port : arg === 'CONFIG' ? join(folder, 'bad.yaml') : arg,
    );
    const env = { PADDOCK_URL: (keyed ?? gateway).url, PADDOCK_DATA_DIR: join(folder, 'data') };
    const { exitCode, stdout, stderr } = await paddock(given, { env });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/m);
    expect(exitCode).not.toBe(0);
  });
});

const keyedSettings = { SANDBOX_API_KEY: 'right', PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '0' };

describe('paddock serve', () => {
  async function serve() {
    const args = ['serve', '--port', '0', '--network', 'none', '--warm-sandboxes', '1'];
    const child = start([...args, '--data-dir', join(folder, 'served')]);
    child.stderr?.resume();
    const [line] = (await once(child.stdout?.setEncoding('utf8') ?? child, 'data')) as [string];
    const { url } = JSON.parse(line) as { url: string };
    const started = descendantsOf(child.pid ?? 0);
    return {
      child,
      url,
      started,
      async [Symbol.asyncDispose]() {
        child.kill();
        await ended(child);
      },
    };
  }

  it('ends on SIGTERM with all that it started, and with exit code 0', async () => {
    await using served = await serve();
    const { child, url, started } = served;
    expect((await paddock(['run', '--', 'echo', 'x'], { env: { PADDOCK_URL: url } })).stdout).toBe('x\n');
    expect(started.length).toBeGreaterThan(1);
    child.kill('SIGTERM');
    await ended(child);
    expect(child.exitCode).toBe(0);
    expect(started.filter(isAlive)).toEqual([]);
    expect(await answers(url)).toBe(false);
  });

  it('takes the gateway and its sandboxes with it when it is killed', async () => {
    await using served = await serve();
    const { child, url, started } = served;
    child.kill('SIGKILL');
    await ended(child);
    await expect.poll(() => started.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    expect(await answers(url)).toBe(false);
  });
});

/** The processes that a process has started, and those that they have. */
function descendantsOf(pid: number): Process[] {
  const children = processesNow().filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child.pid)]);
}

function isAlive({ key }: Process): boolean {
  return processesNow().some((now) => now.key === key);
}

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname, port: Number(port) });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
