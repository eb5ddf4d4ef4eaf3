import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';

export const fixtureGateway = join(import.meta.dirname, 'fixture/gateway.cjs');

/** What a finished command line left. */
export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line in one CommonJS file, with the fixture as the gateway's program beside it. */
export async function buildPaddock() {
  const root = mkdtempSync(join(tmpdir(), 'paddock-cli-'));
  const main = join(root, 'cli/main.cjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../src/main.ts')],
    outfile: main,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
  });
  mkdirSync(join(root, 'gateway'));
  copyFileSync(fixtureGateway, join(root, 'gateway/main.cjs'));

  function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn(process.execPath, [main, ...args], {
      cwd: root,
      env: { PATH: process.env.PATH ?? '', ...env },
    });
  }
  async function run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    stdin = '',
  ): Promise<Finished> {
    const child = start(args, env);
    child.stdin?.end(stdin);
    const [stdout, stderr, exitCode] = await Promise.all([
      read(child.stdout),
      read(child.stderr),
      exitCodeOf(child),
    ]);
    return { exitCode, stdout, stderr };
  }
  return { root, start, run, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

/** The next line of a child's output. */
export async function lineOf(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('the output is not piped');
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return String(line);
}

export async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

function read(stream: ChildProcess['stdout']): Promise<string> {
  return stream ? text(stream) : Promise.resolve('');
}
