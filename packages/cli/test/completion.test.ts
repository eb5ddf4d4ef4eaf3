import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPaddock } from './built.ts';
import { listenAs } from './provisioner.ts';

let paddock: Awaited<ReturnType<typeof buildPaddock>>;
let gateway: Awaited<ReturnType<typeof listenAs>>;
let bin: string;

beforeAll(async () => {
  paddock = await buildPaddock();
  gateway = await listenAs(['chat-1', 'chat-2']);
  bin = join(paddock.root, 'bin');
  mkdirSync(bin);
  const main = join(paddock.root, 'cli/main.cjs');
  writeFileSync(join(bin, 'paddock'), `#!/bin/sh\nexec ${process.execPath} ${main} "$@"\n`, { mode: 0o755 });
  symlinkSync('notes', join(paddock.root, 'notes-link'));
  writeFileSync(join(paddock.root, 'notes'), '');
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  paddock[Symbol.dispose]();
});

const env = () => ({ PADDOCK_URL: gateway.url });

/** What is proposed for the last of some words, without what it means. */
async function proposed(...words: string[]): Promise<string[]> {
  const { stdout } = await paddock.run(['__complete', '--', ...words], env());
  return stdout.split('\n').flatMap((line) => (line ? [line.split('\t')[0] ?? ''] : []));
}

describe('a completion', () => {
  it.each([
    ['commands', ['r'], ['run', 'rm']],
    ['options of a command and of all', ['run', '--l'], ['--lang']],
    ['options of all', ['run', '--j'], ['--json']],
    ['settings of the gateway', ['serve', '--warm'], ['--warm-sandboxes']],
    ['choices of an option', ['run', '--lang', 'p'], ['python']],
    ['choices of an argument', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['ids', ['exec', ''], ['chat-1', 'chat-2']],
    ['ids for logs', ['logs', '--follow', ''], ['chat-1', 'chat-2']],
    ['no ids that are to be new', ['create', ''], []],
    ['options of logs', ['logs', '--t'], ['--tail']],
    ['ids, as many as there may be', ['--json', 'rm', 'chat-1', 'chat-'], ['chat-1', 'chat-2']],
    ['nothing behind the last argument', ['exec', 'chat-1', ''], []],
    ['places of a copy', ['cp', 'a', ''], ['chat-1:', 'chat-2:', ':files']],
    ['files of the machine', ['run', ''], [':files']],
    ['files behind --', ['exec', 'chat-1', '--', 'ls', ''], [':files']],
    ['nothing for a command that is not known', ['rnu', ''], []],
  ])('proposes %s', async (_, words, expected) => {
    expect(await proposed(...words)).toEqual(expected);
  });

  it('proposes nothing when no gateway answers', async () => {
    expect(await proposed('--url', 'http://127.0.0.1:1', 'exec', '')).toEqual([]);
  });
});

describe('the script for bash', () => {
  const complete = async (line: string) => {
    const program = `source <(paddock completion bash)
      COMP_LINE=$1 COMP_POINT=\${#1}
      compopt() { :; }
      _paddock
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const PATH = `${bin}:${process.env.PATH}`;
    const options = { cwd: paddock.root, env: { ...env(), PATH } };
    return (await promisify(execFile)('bash', ['--norc', '-c', program, '-', line], options)).stdout.trim();
  };

  it.each([
    ['paddock sta', 'status'],
    ['paddock exec ', 'chat-1\nchat-2'],
    ['paddock cp no', 'notes\nnotes-link'],
    ['paddock cp chat-2', 'chat-2:'],
    ['paddock --url http://127.0.0.1:1 rm ', ''],
  ])('completes %j', async (line, expected) => {
    expect(await complete(line)).toBe(expected);
  });
});

describe.each(['zsh', 'fish'])('the script for %s', (shell) => {
  const program = ['/usr/bin', '/bin', '/usr/local/bin']
    .map((folder) => join(folder, shell))
    .find(existsSync);

  it.skipIf(program === undefined)('is one that it can read', async () => {
    const { stdout } = await paddock.run(['completion', shell]);
    const file = join(paddock.root, `completion.${shell}`);
    writeFileSync(file, stdout);
    expect(execFileSync(program ?? shell, ['-n', file], { encoding: 'utf8' })).toBe('');
  });
});
