/** A bash on a terminal of its own, with a pipe that it reads commands from and one that it reports through. */
import { execFile } from 'node:child_process';
import { constants, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processLink, sleeps } from '../processes/index.ts';
import { startScript } from './lines.ts';
import type { ShellPaths } from './paths.ts';
import { openPty, type ProgramExit, type Pty, type TerminalSize } from './pty.ts';

export interface TerminalOptions {
  /** The folder that holds the private folders of sessions. */
  readonly runDir: string;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface TerminalEvents {
  /** The bytes are there during the call only. */
  output(bytes: Buffer): void;
  report(text: string): void;
  exit(exit: ProgramExit): void;
}

/** Programs that would open a pager or an editor wait for keys that nobody presses. */
const quietEnv = {
  PAGER: 'cat',
  GIT_PAGER: 'cat',
  MANPAGER: 'cat',
  SYSTEMD_PAGER: 'cat',
  TERM: 'xterm-256color',
};
/** What programs see that nobody looks at. */
export const defaultSize: TerminalSize = { columns: 200, rows: 50 };

/** Starts a shell. Its first report says that it is ready; throws what the system gives when it cannot be started. */
export async function openTerminal(options: TerminalOptions, events: TerminalEvents): Promise<Terminal> {
  const folder = mkdtempSync(join(options.runDir, 'shell-'));
  try {
    const commands = join(folder, 'commands');
    const reports = join(folder, 'reports');
    writeFileSync(join(folder, 'start'), startScript(commands, reports), { mode: 0o600 });
    await promisify(execFile)('mkfifo', ['-m', '600', commands, reports]);
    const terminal = new Terminal(folder, events);
    try {
      await terminal.start(options);
      return terminal;
    } catch (error) {
      terminal[Symbol.dispose]();
      throw error;
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

export class Terminal implements Disposable {
  readonly #folder: string;
  readonly #events: TerminalEvents;
  readonly #commands: Socket;
  readonly #reports: Socket;
  #pty: Pty | undefined;
  #paths: ShellPaths | undefined;
  #live = true;

  constructor(folder: string, events: TerminalEvents) {
    this.#folder = folder;
    this.#events = events;
    this.#commands = pipe(join(folder, 'commands'), 'write');
    this.#reports = pipe(join(folder, 'reports'), 'read');
    this.#reports.setEncoding('utf8').on('data', (text: string) => events.report(text));
  }

  async start({ dir, env }: TerminalOptions): Promise<void> {
    this.#pty = await openPty(
      {
        file: 'bash',
        args: ['--noprofile', '--rcfile', join(this.#folder, 'start'), '--noediting', '-i'],
        dir,
        env: { ...env, ...quietEnv, PWD: dir },
        size: defaultSize,
      },
      {
        output: this.#events.output,
        exit: (exit) => {
          this[Symbol.dispose]();
          this.#events.exit(exit);
        },
      },
    );
  }

  get pid(): number | undefined {
    return this.#pty?.pid;
  }

  /** Where the shell writes its marks and reports to. Known once it is ready. */
  get paths(): ShellPaths {
    // Standard error is the terminal by its own name, which programs can show; /dev/tty is the same by any name.
    const terminal = this.pid === undefined ? undefined : processLink(this.pid, 'fd/2');
    this.#paths ??= {
      terminal: terminal?.startsWith('/dev/pts/') ? terminal : '/dev/tty',
      reports: join(this.#folder, 'reports'),
      command: join(this.#folder, 'command'),
    };
    return this.#paths;
  }

  /** The shell waits for its next line: its input is the pipe of commands, not the terminal as during a command. */
  get atPrompt(): boolean {
    const { pid } = this;
    if (pid === undefined || this.#commands.writableLength > 0) return false;
    return sleeps(pid) && processLink(pid, 'fd/0') === join(this.#folder, 'commands');
  }

  /** Hands lines to the shell. */
  send(lines: string): void {
    if (this.#live) this.#commands.write(lines);
  }

  /** Types into the terminal, for the program that reads it. */
  type(input: string): void {
    if (this.#live) this.#pty?.write(input);
  }

  /** Bytes that were typed and wait to be taken. */
  get waitingInputBytes(): number {
    return this.#pty?.waitingBytes ?? 0;
  }

  resize(size: TerminalSize): void {
    if (this.#live) this.#pty?.resize(size);
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
