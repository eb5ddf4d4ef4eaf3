/** The client that programs use, as it is published on PyPI, each version in a folder of its own. */
import { type ChildProcessByStdio, execFile, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

const scripts = join(import.meta.dirname, 'python');
const requirements = join(scripts, 'requirements.txt');
const cache = join(import.meta.dirname, '../../node_modules/.cache/conformance');

/** What a program that uses the client may rely on. */
interface Promised {
  readonly group: string;
  readonly promise: string;
}

/** What is promised to users of a version of the client. A promise is kept by its number. */
export function promisesTo(version: string): Promised[] {
  const { stdout, stderr } = spawnSync('python3', [join(scripts, 'main.py'), '--list', version], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  if (!stdout) throw new Error(`the cases cannot be listed: ${stderr}`);
  return JSON.parse(stdout) as Promised[];
}

/** A process that makes the calls of the client. */
export class PublishedClient implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Starts it, after installing what is not installed yet. */
  static async start(version: string, baseUrl: string): Promise<PublishedClient> {
    const client = await installed(`agent-sandbox-${version}`, [`agent-sandbox==${version}`]);
    const libraries = await installed('libraries', ['-r', requirements]);
    const PYTHONPATH = [client, libraries].join(delimiter);
    const command = ['python3', join(scripts, 'main.py'), version, baseUrl];
    return await PublishedClient.startedBy(command, { PYTHONPATH, PYTHONDONTWRITEBYTECODE: '1' });
  }

  /** Talks to the cases that a command runs, be it elsewhere. */
  static async startedBy(
    [program = '', ...args]: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<PublishedClient> {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const started = new PublishedClient(child);
    await started.#answer();
    return started;
  }

  /** Keeps the promise of this number; throws with what the client says when it is broken. */
  async keep(number: number): Promise<void> {
    this.#process.stdin.write(`${number}\n`);
    const { passed, error } = await this.#answer();
    if (!passed) throw new Error(error ?? 'it failed without a word');
  }

  async #answer(): Promise<{ passed?: boolean; error?: string }> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the client has ended');
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill('SIGKILL');
    await once(this.#process, 'close');
  }
}

/** The folder with these packages of PyPI. They are installed once for each list of packages and kind of Python. */
async function installed(name: string, packages: readonly string[]): Promise<string> {
  const key = createHash('sha256').update(readFileSync(requirements)).update(pythonTag()).digest('hex');
  const folder = join(cache, `${name}-${key.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  // Whoever installs at the same time does so in a folder of its own; the first that is complete stays.
  const unfinished = mkdtempSync(join(cache, 'unfinished-'));
  try {
    await pipInstall(unfinished, packages);
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  return folder;
}

function pythonTag(): string {
  const tag = 'import sys; print(sys.implementation.cache_tag)';
  return `${spawnSync('python3', ['-c', tag], { encoding: 'utf8' }).stdout.trim()}-${arch()}`;
}

/** No environment is made for it, so that a Python without venv will do. */
async function pipInstall(folder: string, packages: readonly string[]): Promise<void> {
  const options = [
    '--quiet',
    '--no-input',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
  ];
  try {
    const args = ['-m', 'pip', 'install', ...options, '--target', folder, ...packages];
    await promisify(execFile)('python3', args);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `pip could not install ${packages.join(' ')} (Debian: apt-get install python3-pip): ${said}`,
      {
        cause,
      },
    );
  }
}
