/** The bash of a session as it is spoken to: lines in, marks and reports out, and what it last said about itself. */
import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { processLink } from '../processes/index.ts';
import type { Command } from './execution.ts';
import {
  commandLines,
  healing,
  parseReports,
  type Report,
  recovery,
  terminalReset,
  tracedCommand,
} from './lines.ts';
import { MarkParser, type MarkSink } from './marks.ts';
import { giveUpKeys, promptLines } from './prompt.ts';
import type { ProgramExit, TerminalSize } from './pty.ts';
import { openTerminal, type Terminal, type TerminalOptions } from './terminal.ts';

export interface ShellOptions extends TerminalOptions {
  readonly preserveSymlinks: boolean;
}

export interface ShellEvents extends MarkSink {
  report(report: Report): void;
  exit(exit: ProgramExit): void;
}

/** Longer commands go by file. */
const longestLine = 16 * 1024;
const nonceLimit = 2 ** 47;

export class Shell {
  readonly #options: ShellOptions;
  readonly #events: ShellEvents;
  readonly #marks: MarkParser;
  #terminal: Terminal | undefined;
  #unreadReports = '';
  #lastRun = 0;
  #exitCode = 0;
  #flags = '';
  #dir: string;

  constructor(options: ShellOptions, events: ShellEvents) {
    this.#options = options;
    this.#events = events;
    this.#marks = new MarkParser(events);
    this.#dir = options.dir;
  }

  /** Starts it. It has the number 0 in the report that says that it is ready. */
  async open(): Promise<void> {
    this.#terminal = await openTerminal(this.#options, {
      output: (bytes) => this.#marks.push(bytes),
      report: (text) => this.#onReports(text),
      exit: (exit) => {
        this.#marks.finish();
        this.#events.exit(exit);
      },
    });
  }

  get pid(): number | undefined {
    return this.#terminal?.pid;
  }

  /** It waits for its next line. */
  get atPrompt(): boolean {
    return this.#terminal?.atPrompt ?? false;
  }

  get workingDir(): string {
    const physical = this.pid === undefined ? undefined : processLink(this.pid, 'cwd');
    return this.#options.preserveSymlinks && isAbsolute(this.#dir) ? this.#dir : (physical ?? this.#dir);
  }

  /** Has it run a command, in `dir` if given. Returns the number that marks and report will have. */
  run({ text, preserveSymlinks, discardBytes }: Command, dir: string | undefined): number {
    const nonce = randomInt(1, nonceLimit);
    this.#lastRun = nonce;
    this.#marks.expect(nonce);
    const line = {
      nonce,
      command: text,
      // In a quoted word bash takes time for each quote that grows with the length of all.
      byFile: text.length > longestLine,
      dir,
      discardBytes,
      preserveSymlinks: preserveSymlinks ?? this.#options.preserveSymlinks,
      previousExitCode: this.#exitCode,
      traced: this.#flags.includes('x'),
    };
    const paths = this.#terminal?.paths;
    if (line.byFile && paths) writeFileSync(paths.command, tracedCommand(line), { mode: 0o600 });
    this.#send((paths) => commandLines(line, paths));
    return nonce;
  }

  /** Heals it and has it report on the command that ran last. */
  recover(nonce: number): void {
    this.#send((paths) => healing() + recovery(nonce, paths));
  }

  /** Has it set up its terminal anew. Returns the number of the report that says when that is done. */
  resetTerminal(nonce: number = randomInt(1, nonceLimit)): number {
    this.#send((paths) => terminalReset(nonce, paths));
    return nonce;
  }

  /** Has it read a line from the terminal. Returns the number of the report that has it. */
  prompt(draft: string): number {
    const nonce = randomInt(1, nonceLimit);
    this.#send((paths) => promptLines(nonce, draft, paths));
    return nonce;
  }

  /** Has it give up the line that it reads. */
  endPrompt(): void {
    this.type(giveUpKeys);
  }

  /** Types into the terminal, for the program that reads it. */
  type(input: string): void {
    this.#terminal?.type(input);
  }

  /** Bytes that were typed and wait to be taken. */
  get waitingInputBytes(): number {
    return this.#terminal?.waitingInputBytes ?? 0;
  }

  resize(size: TerminalSize): void {
    this.#terminal?.resize(size);
  }

  #send(lines: (paths: Terminal['paths']) => string): void {
    const terminal = this.#terminal;
    terminal?.send(lines(terminal.paths));
  }

  #onReports(text: string): void {
    const { reports, rest } = parseReports(this.#unreadReports + text);
    this.#unreadReports = rest;
    for (const report of reports) {
      if (report.kind === 'done') {
        if (report.nonce === this.#lastRun) this.#exitCode = report.exitCode;
        this.#flags = report.flags;
        this.#dir = report.dir;
      }
      this.#events.report(report);
    }
  }
}
