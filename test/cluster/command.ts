/** Runs programs of the system to their end. */
import { spawn } from 'node:child_process';

/** How a program is run. */
export interface RunOptions {
  /** What it reads from its standard input. */
  readonly input?: string;
  /** Added to the environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** It is killed after that, and the call fails. */
  readonly timeoutMs?: number;
}

/** A program that has ended. */
export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that could not be started, was killed, or ended with an exit code other than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly command: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(command: readonly string[], how: string, finished?: Finished) {
    const said = (finished?.stderr || finished?.stdout || '').trim().slice(-4_000);
    super(`${command.join(' ').slice(0, 500)}: ${how}${said === '' ? '' : `\n${said}`}`);
    this.command = command;
    this.exitCode = finished?.exitCode;
    this.stderr = finished?.stderr ?? '';
  }
}

/**
 * Runs a program and returns what it printed.
 *
 * @throws CommandFailed unless it ends with exit code 0.
 */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const finished = await runToEnd(command, options);
  if (finished.exitCode !== 0) {
    throw new CommandFailed(command, `exit code ${finished.exitCode}`, finished);
  }
  return finished;
}

/**
 * Runs a program, whatever it ends with.
 *
 * @throws CommandFailed when it cannot be started or is killed.
 */
export async function runToEnd(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const [program = '', ...args] = command;
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.timeoutMs !== undefined && { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends without reading its input is judged by its exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  child.once('error', ({ message }) => reject(new CommandFailed(command, message)));
  child.once('close', (code, signal) => {
    const finished = { exitCode: code ?? -1, stdout, stderr };
    if (code === null) reject(new CommandFailed(command, `killed by ${signal}`, finished));
    else resolve(finished);
  });
  return await promise;
}
