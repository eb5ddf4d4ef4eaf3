/** A bash on a terminal of its own, with a pipe that it reads commands from and one that it reports through. */
import { execFile } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { IPty, spawn as ptySpawn } from '@lydell/node-pty';
import { processLink, sleeps } from '../processes/index.ts';
import { type ShellPaths, startScript } from './lines.ts';

export interface TerminalOptions {
  /** The folder that holds the private folders of sessions. */
  readonly runDir: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface ShellExit {
  readonly exitCode: number;
  /** The number of the signal that killed it, or 0. */
  readonly signal: number;
}

export interface TerminalEvents {
  output(bytes: Buffer): void;
  report(text: string): void;
  exit(exit: ShellExit): void;
}

/** Programs that would open a pager or an editor wait for keys that nobody presses. */
const quietEnv = {
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  MANPAGER: 'cat',
  SYSTEMD_PAGER: 'cat',
  TERM: 'xterm-256color',
};
const columns = 200;
const rows = 50;

/** Starts a shell. Its first report says that it is ready; throws what the system gives when it cannot be started. */
export async function openTerminal(options: TerminalOptions, events: TerminalEvents): Promise<Terminal> {
  const folder = mkdtempSync(join(options.runDir, 'shell-'));
  try {
    const commands = join(folder, 'commands');
    const reports = join(folder, 'reports');
    writeFileSync(join(folder, 'start'), startScript(commands, reports), { mode: 0o600 });
    const [{ spawn }] = await Promise.all([
      // Loaded with the first session: a sandbox that has none saves the time and memory.
      import('@lydell/node-pty'),
      promisify(execFile)('mkfifo', ['-m', '600', commands, reports]),
    ]);
    return new Terminal(folder, spawn, options, events);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

export class Terminal implements Disposable {
  readonly pid: number;
  readonly #folder: string;
  readonly #pty: IPty;
  readonly #commands: Socket;
  readonly #reports: Socket;
  #paths: ShellPaths | undefined;
  #live = true;

  constructor(folder: string, spawn: typeof ptySpawn, options: TerminalOptions, events: TerminalEvents) {
    this.#folder = folder;
    this.#commands = pipe(join(folder, 'commands'), 'write');
    this.#reports = pipe(join(folder, 'reports'), 'read');
    this.#reports.setEncoding('utf8').on('data', (text: string) => events.report(text));
    try {
      this.#pty = spawn('bash', ['--noprofile', '--rcfile', join(folder, 'start'), '--noediting', '-i'], {
        cwd: options.dir,
        env: { ...options.env, ...quietEnv },
        cols: columns,
        rows,
        encoding: null,
      });
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    this.pid = this.#pty.pid;
    this.#pty.onData((data: string | Buffer) =>
      events.output(typeof data === 'string' ? Buffer.from(data) : data),
    );
    this.#pty.onExit(({ exitCode, signal = 0 }) => {
      this[Symbol.dispose]();
      events.exit({ exitCode, signal });
    });
  }

  /** Where the shell writes its marks and reports to. Known once it is ready. */
  get paths(): ShellPaths {
    // Standard error is the terminal by its own name, which programs can show; /dev/tty is the same by any name.
    const terminal = processLink(this.pid, 'fd/2');
    this.#paths ??= {
      terminal: terminal?.startsWith('/dev/pts/') ? terminal : '/dev/tty',
      reports: join(this.#folder, 'reports'),
      command: join(this.#folder, 'command'),
    };
    return this.#paths;
  }

  /** The shell waits for its next line: its input is the pipe of commands, not the terminal as during a command. */
  get atPrompt(): boolean {
    const read = this.#commands.writableLength === 0;
    return read && sleeps(this.pid) && processLink(this.pid, 'fd/0') === join(this.#folder, 'commands');
  }

  /** Hands lines to the shell. */
  send(lines: string): void {
    if (this.#live) this.#commands.write(lines);
  }

  /** Types into the terminal, for the program that reads it. */
  type(input: string): void {
    if (this.#live) this.#pty.write(input);
  }

  [Symbol.dispose](): void {
    this.#live = false;
    this.#commands.destroy();
    this.#reports.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Opened for both directions, so that neither side ever waits for the other to open it or sees it end. */
function pipe(path: string, use: 'read' | 'write'): Socket {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: use === 'read', writable: use === 'write' });
}
