import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { flagOf, settingKeys } from '@paddock/protocol/config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPaddock, exitCodeOf, lineOf } from './built.ts';

let paddock: Awaited<ReturnType<typeof buildPaddock>>;
let gateway: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  paddock = await buildPaddock();
  gateway = await serve();
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  paddock[Symbol.dispose]();
});

/** `paddock serve`, and what its gateway said when it was ready. */
async function serve(args: string[] = [], env: Record<string, string> = {}) {
  const child = paddock.start(['serve', ...args], env);
  const ready: { url: string; pid: number; argv: string[]; key?: string } = JSON.parse(await lineOf(child));
  return {
    ...ready,
    child,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exitCodeOf(child);
    },
  };
}

const on = (...args: string[]) => paddock.run(['--url', gateway.url, ...args]);

async function sandboxes(): Promise<string[]> {
  const response = await fetch(`${gateway.url}/api/sandboxes`);
  const { sandboxes } = (await response.json()) as { sandboxes: { sandbox_id: string }[] };
  return sandboxes.map(({ sandbox_id }) => sandbox_id);
}

describe('help', () => {
  const commands = [
    'run',
    'create',
    'exec',
    'shell',
    'cp',
    'logs',
    'ls',
    'rm',
    'serve',
    'config',
    'status',
    'doctor',
    'completion',
  ];

  it.each([[], ...commands.map((name) => [name])])('of %j has examples', async (...command) => {
    const { exitCode, stdout, stderr } = await paddock.run([...command, '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ${['paddock', ...command].join(' ')}`);
    expect(stdout).toMatch(/Examples:\n {2}\$ /);
  });

  it('ends quietly when its reader has left', async () => {
    const child = paddock.start(['--help']);
    child.stdout?.destroy();
    const said = child.stderr ? text(child.stderr) : undefined;
    expect(await exitCodeOf(child)).toBe(0);
    expect(await said).toBe('');
  });

  it.each(['serve', 'config'])('of %s lists every setting that has a flag', async (command) => {
    const { stdout } = await paddock.run([command, '--help']);
    for (const flag of settingKeys.flatMap((key) => flagOf(key) ?? [])) expect(stdout).toContain(` ${flag} `);
  });

  it('is what no command at all gets, as a failure', async () => {
    const { exitCode, stdout, stderr } = await paddock.run([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toContain('Usage: paddock');
  });
});

describe('--version', () => {
  it('is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
    expect(await paddock.run(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });
});

describe('a failure of paddock itself', () => {
  it.each([
    ['an unknown command', ['rnu'], "unknown command 'rnu'", 'Did you mean run?'],
    ['an unknown flag', ['serve', '--prot', '1'], "unknown option '--prot'", 'Did you mean --port?'],
    [
      'a language that is not offered',
      ['run', '--lang', 'cobol', 'x'],
      "argument 'cobol' is invalid",
      'paddock --help',
    ],
    ['a file that is not there', ['run', 'gone.py'], 'gone.py cannot be read', '--'],
    [
      'a file of no known language',
      ['run', 'notes'],
      'the language of notes is not known',
      '--lang python|node|bash',
    ],
    [
      'a program on standard input without a language',
      ['run', '-'],
      'the language of standard input',
      '--lang',
    ],
    ['no command', ['exec', 'a'], 'there is nothing to run', 'paddock exec a -- ls'],
    ['no id', ['exec', '--', 'ls'], "missing required argument 'id'", 'paddock COMMAND --help'],
    ['a URL that is none', ['--url', 'box', 'status'], `URL is "box"`, 'http://HOST:PORT'],
    [
      'nobody at the URL',
      ['--url', 'http://127.0.0.1:1', 'run', '--', 'ls'],
      'nobody answers at http://127.0.0.1:1',
      'paddock serve',
    ],
    ['a sandbox that is not there', ['exec', 'gone', '--', 'ls'], 'no such sandbox', 'Create it.'],
  ])('such as %s is one line and a hint, and exit code 125', async (_, args, error, hint) => {
    writeFileSync(join(paddock.root, 'notes'), 'buy milk\n');
    const { exitCode, stdout, stderr } = await paddock.run(args, { PADDOCK_URL: gateway.url });
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
    expect(stderr.split('\n')[0]).toContain(error);
    expect(stderr.split('\n')[1]).toContain(hint);
  });
});

describe('run', () => {
  it('gives output, errors and the exit code of a command as they are', async () => {
    const command = 'echo "$1"; echo bad >&2; exit 42';
    const finished = await on('run', '--', 'bash', '-c', command, '-', "it's $HOME\n*");
    expect(finished).toEqual({ exitCode: 42, stdout: "it's $HOME\n*\n", stderr: 'bad\n' });
  });

  it.each([
    ['main.py', 'import sys\nprint(sys.argv[1:])\nsys.exit(3)', "['--rows', '2']\n", 3],
    ['main.js', 'console.log(process.argv.slice(2)); process.exitCode = 4', "[ '--rows', '2' ]\n", 4],
    ['main.sh', 'echo "$@"; exit 5', '--rows 2\n', 5],
    ['main', '#!/usr/bin/env python3\nprint("by its first line")', 'by its first line\n', 0],
  ])('runs %s by its language, with arguments', async (name, content, stdout, exitCode) => {
    writeFileSync(join(paddock.root, name), content);
    expect(await on('run', name, '--', '--rows', '2')).toEqual({ exitCode, stdout, stderr: '' });
  });

  it('runs a program from standard input', async () => {
    const args = ['--url', gateway.url, 'run', '--lang', 'python', '-'];
    expect(await paddock.run(args, {}, 'print("é" * 2)')).toEqual({
      exitCode: 0,
      stdout: 'éé\n',
      stderr: '',
    });
  });

  it('gives long output whole', async () => {
    const { stdout, exitCode } = await on('run', '--', 'seq', '1000000');
    expect({ exitCode, length: stdout.length }).toEqual({ exitCode: 0, length: 6_888_896 });
  });

  it('tells all as JSON where that is asked for', async () => {
    const { exitCode, stdout } = await on(
      '--json',
      'run',
      '--',
      'bash',
      '-c',
      'echo out; echo err >&2; exit 6',
    );
    expect(exitCode).toBe(6);
    const told = { status: 'completed', exit_code: 6, stdout: 'out\n', stderr: 'err\n' };
    expect(JSON.parse(stdout)).toEqual({ sandbox_id: expect.any(String), ...told });
  });

  it('releases its sandbox, also when it is interrupted', async () => {
    await on('run', '--', 'true');
    expect(await sandboxes()).toEqual([]);
    const child = paddock.start(['--url', gateway.url, 'run', '--', 'sleep', '1']);
    while ((await sandboxes()).length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGINT');
    expect(await exitCodeOf(child)).toBe(130);
    expect(await sandboxes()).toEqual([]);
  });

  it('prints what a command writes while it runs', async () => {
    const child = paddock.start(['--url', gateway.url, 'run', '--', 'bash', '-c', 'echo now; sleep 60']);
    expect(await lineOf(child)).toBe('now');
    child.kill('SIGTERM');
    expect(await exitCodeOf(child)).toBe(143);
  });

  it('ends a command whose reader has left, as a pipe would', async () => {
    const child = paddock.start(['--url', gateway.url, 'run', '--', 'bash', '-c', 'while :; do date; done']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    expect(await exitCodeOf(child)).toBe(141);
  });

  it.each([
    ['a command', ['run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 4']],
    ['a file that is not there', ['run', 'gone.py', '--', '-x']],
    ['a file of no known language', ['run', 'notes']],
    ['nothing at all', ['run']],
    ['an option of another command', ['run', '--prot']],
  ])('is the same with and without options before it: %s', async (_, args) => {
    expect(await paddock.run(args, { PADDOCK_URL: gateway.url })).toEqual(await on(...args));
  });

  it('never parts a character that comes in two pieces', async () => {
    const command = "printf '\\303'; sleep 0.3; printf '\\251'";
    expect((await on('run', '--', 'bash', '-c', command)).stdout).toBe('é');
  });
});

describe('exec and status', () => {
  it('work on a sandbox that exists', async () => {
    const body = JSON.stringify({ sandbox_id: 'chat-1' });
    await fetch(`${gateway.url}/api/sandboxes`, { method: 'POST', body });
    expect(await on('exec', 'chat-1', '--', 'bash', '-c', 'echo hi; exit 9')).toEqual({
      exitCode: 9,
      stdout: 'hi\n',
      stderr: '',
    });
    const told = await on('status');
    expect(told.stdout).toBe(
      `gateway    ok at ${gateway.url}\noffers     mounts\nsandboxes  1\n  chat-1  Running\n`,
    );
    expect(JSON.parse((await on('status', '--json')).stdout)).toMatchObject({
      url: gateway.url,
      status: 'ok',
      count: 1,
      sandboxes: [{ sandbox_id: 'chat-1', status: 'Running' }],
    });
    await fetch(`${gateway.url}/api/sandboxes/chat-1`, { method: 'DELETE' });
  });
});

describe('serve', () => {
  it('hands settings on as flags, and the key where other users cannot read it', async () => {
    await using served = await serve([
      '--port',
      '0',
      '--allow-unauthenticated',
      '--config',
      'a.yaml',
      '--api-key',
      'k',
    ]);
    expect(served.argv.sort()).toEqual(['--allow-unauthenticated=true', '--config=a.yaml', '--port=0']);
    expect(served.key).toBe('k');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'hands %s on and ends with the exit code of the gateway',
    async (signal) => {
      await using served = await serve();
      served.child.kill(signal);
      expect(await exitCodeOf(served.child)).toBe(signal === 'SIGINT' ? 5 : 0);
      expect(alive(served.pid)).toBe(false);
    },
  );

  it('ends with the exit code of a gateway that ends by itself', async () => {
    expect((await paddock.run(['serve'], { FIXTURE: 'exit 7' })).exitCode).toBe(7);
  });

  it('takes the gateway with it when it is killed', async () => {
    const served = await serve();
    served.child.kill('SIGKILL');
    while (alive(served.pid)) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
