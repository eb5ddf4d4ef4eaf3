/** One shell session: a bash that lives on between commands, and the queue of commands for it. */
import { Fault } from '@paddock/protocol';
import { endAll, enterable, sessionMembers } from '../processes/index.ts';
import { Execution, type Outcome } from './execution.ts';
import { interrupt } from './interrupt.ts';
import type { Report } from './lines.ts';
import { waitForEnd } from './patience.ts';
import { giveUpKeys, type PromptEnd } from './prompt.ts';
import { Prompting } from './prompting.ts';
import type { ProgramExit, TerminalSize } from './pty.ts';
import { Run } from './run.ts';
import { Shell, type ShellOptions } from './shell.ts';
import { defaultSize } from './terminal.ts';
import { type Viewer, Viewers } from './viewers.ts';

export interface SessionOptions extends ShellOptions {
  readonly id: string;
  /** Called once, when the session is over, with the rest of a sentence that begins "The session". */
  readonly onEnd: (why: string) => void;
}

/** All transitions are in `#move`, but for the end, which is in `#finish`. */
type State =
  | { readonly at: 'starting' }
  | { readonly at: 'idle' }
  | { readonly at: 'running'; readonly run: Run }
  /** The terminal is set up anew; the report with this number says that it is done. */
  | { readonly at: 'settling'; readonly nonce: number; readonly again: NodeJS.Timeout }
  /** Somebody looks at the terminal: the shell reads a line that they type. */
  | { readonly at: 'prompting'; readonly prompting: Prompting }
  | { readonly at: 'ended' };

const startTimeoutMs = 15_000;
const settleIntervalMs = 250;
const settleTries = 20;
const healingLimit = 3;
const watchIntervalMs = 1500;
const hangUpGraceMs = 300;

export class ShellSession {
  readonly id: string;
  readonly createdAt = new Date();
  lastUsedAt = new Date();
  readonly #options: SessionOptions;
  readonly #shell: Shell;
  readonly #queue: Execution[] = [];
  readonly #opening: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #state: State = { at: 'starting' };
  #latest: Execution | undefined;
  #closing: string | undefined;
  #viewers: Viewers | undefined;
  /** The terminal is set up for a person: what is typed shows, line ends are CR LF. */
  #forPerson = false;
  /** What was half typed when a prompt was given up. */
  #draft = '';

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.#options = options;
    this.#shell = new Shell(options, {
      output: (bytes) => this.#onOutput(bytes),
      between: (bytes) => this.#viewers?.show(bytes, this.#forPerson),
      started: (crlf) => this.#onStartMark(crlf),
      ended: (crlf) => this.#onEndMark(crlf),
      report: (report) => this.#onReport(report),
      exit: (exit) => this.#onExit(exit),
    });
    this.#ready.promise.catch(() => undefined);
    this.#opening = this.#open();
  }

  /** Resolves when the shell takes commands; rejects with a Fault when it could not be started. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Where it stands. `settling` is over in milliseconds. */
  get standing(): State['at'] {
    return this.#state.at;
  }

  /** The command that runs, or ran last. */
  get latest(): Execution | undefined {
    return this.#latest;
  }

  get workingDir(): string {
    return this.#shell.workingDir;
  }

  /** Starts the command, or puts it in the queue. It is dropped when the session ends before it starts. */
  submit(execution: Execution): void {
    this.lastUsedAt = new Date();
    if (this.#state.at === 'ended') execution.drop();
    else this.#queue.push(execution);
    this.#endPrompt();
    this.#next();
  }

  /** Shows the terminal to somebody, who can type at a prompt while nothing runs, until disposed of. */
  attach(viewer: Viewer): Disposable {
    this.#viewers ??= new Viewers(this.#latest?.text().text ?? '');
    const viewers = this.#viewers;
    const viewing = viewers.add(viewer);
    this.#next();
    return {
      [Symbol.dispose]: () => {
        viewing[Symbol.dispose]();
        if (viewers.count > 0) return;
        this.#shell.resize(defaultSize);
        this.#endPrompt();
      },
    };
  }

  resize(size: TerminalSize): void {
    this.#shell.resize(size);
  }

  /** Takes a command out of the queue. False when it is not in it any more. */
  withdraw(execution: Execution): boolean {
    const at = this.#queue.indexOf(execution);
    if (at >= 0) this.#queue.splice(at, 1);
    return at >= 0;
  }

  /** Types into the terminal, for the program that reads it. */
  type(input: string): void {
    this.lastUsedAt = new Date();
    this.#shell.type(input);
    if (this.#state.at === 'prompting') this.#state.prompting.typed(input);
  }

  /** Bytes that were typed and wait to be taken. */
  get waitingInputBytes(): number {
    return this.#shell.waitingInputBytes;
  }

  /** Stops the running command, harder and harder, in the end with the session. Resolves when it is over. */
  async stop(status: 'hard_timeout' | 'terminated'): Promise<void> {
    const run = this.#run;
    const { pid } = this.#shell;
    if (run === undefined || pid === undefined || run.stopping !== undefined) return;
    run.stopping = status;
    // An interrupt while the shell still reads the command would make it drop the wrong line.
    for (let tries = 0; !run.started && tries < 50; tries += 1)
      await waitForEnd(run.execution, { timeoutMs: 20 });
    const recover = () => {
      if (this.#run === run && this.#shell.atPrompt) this.#shell.recover(run.nonce);
    };
    const stopped = run.started && (await interrupt(run.execution, pid, recover));
    if (!stopped && this.#run === run)
      await this.close('was ended: its command could not be stopped otherwise');
  }

  /** Ends the shell and all that runs in it. Resolves when it has gone. */
  async close(why: string): Promise<void> {
    this.#closing ??= why;
    await this.#opening;
    const { pid } = this.#shell;
    if (pid !== undefined && this.#state.at !== 'ended')
      await endAll(() => sessionMembers(pid), 'SIGHUP', hangUpGraceMs);
    await this.#ended.promise;
  }

  get #run(): Run | undefined {
    return this.#state.at === 'running' ? this.#state.run : undefined;
  }

  async #open(): Promise<void> {
    const late = setTimeout(() => void this.close('did not start in time'), startTimeoutMs);
    this.#ready.promise.finally(() => clearTimeout(late)).catch(() => undefined);
    try {
      await this.#shell.open();
    } catch (error) {
      this.#finish(`could not be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #move(state: Exclude<State, { at: 'starting' | 'ended' }>): void {
    this.#state = state;
    if (state.at === 'idle') this.#next();
  }

  #next(): void {
    while (this.#state.at === 'idle') {
      if (this.#queue.length === 0) {
        if (this.#viewers !== undefined && this.#viewers.count > 0) this.#prompt();
        return;
      }
      if (this.#forPerson) {
        this.#settle();
        return;
      }
      const execution = this.#queue.shift();
      if (execution !== undefined) this.#begin(execution);
    }
  }

  #prompt(): void {
    this.#forPerson = true;
    const prompting = new Prompting(this.#shell, this.#draft);
    this.#draft = '';
    this.#move({ at: 'prompting', prompting });
  }

  /** Makes way for a command. */
  #endPrompt(): void {
    if (this.#state.at !== 'prompting') return;
    const { prompting } = this.#state;
    prompting.giveUp(() => {
      prompting[Symbol.dispose]();
      this.#settle();
    });
  }

  #onPromptEnd(end: PromptEnd, isGivenUp: boolean): void {
    this.lastUsedAt = new Date();
    this.#draft = end.how === 'given up' ? end.draft : '';
    const typed = end.how === 'entered' ? end.line : end.how === 'closed' ? 'exit' : '';
    // Keys that came too late to give the line up lie before what the command is to read.
    const discardBytes = isGivenUp && end.how !== 'given up' ? giveUpKeys.length : undefined;
    if (typed.trim() !== '') this.#begin(new Execution({ text: typed, discardBytes }), true);
    else if (isGivenUp) this.#settle();
    else this.#move({ at: 'idle' });
  }

  #begin(execution: Execution, typed = false): void {
    const dir = enterable(execution.command);
    if (dir.fault !== undefined) {
      execution.drop(dir.fault);
      return;
    }
    if (dir.hint !== undefined) execution.hints.push(dir.hint);
    const run = new Run(execution, typed);
    const { hardTimeoutMs } = execution.command;
    run.until(setInterval(() => this.#watch(run), watchIntervalMs).unref());
    if (hardTimeoutMs !== undefined)
      run.until(setTimeout(() => void this.stop('hard_timeout'), hardTimeoutMs));
    this.#latest = execution;
    this.#move({ at: 'running', run });
    execution.begin();
    run.nonce = this.#shell.run(execution.command, dir.path);
  }

  #onOutput(bytes: Buffer): void {
    const run = this.#run;
    run?.execution.append(bytes);
    this.#viewers?.show(bytes, run?.typed === true);
  }

  #onStartMark(crlf: boolean): void {
    const run = this.#run;
    if (run === undefined) return;
    run.started = true;
    if (crlf) run.execution.foundCrlf();
  }

  #onEndMark(crlf: boolean): void {
    const run = this.#run;
    if (run === undefined) return;
    run.ended = true;
    if (crlf) {
      run.execution.foundCrlf();
      if (!run.typed) run.disturbed = true;
    }
    this.#complete(run);
  }

  #onReport(report: Report): void {
    const state = this.#state;
    const run = this.#run;
    if (report.kind === 'prompt') {
      if (state.at !== 'prompting' || report.nonce !== state.prompting.nonce) return;
      state.prompting[Symbol.dispose]();
      this.#onPromptEnd(report.end, state.prompting.isGivenUp);
    } else if (run !== undefined && report.nonce === run.nonce) {
      run.report = report.kind === 'done' ? report : undefined;
      if (report.kind === 'done') this.#complete(run);
      else this.#heal(run);
    } else if (report.kind === 'done' && this.#isAwaited(report.nonce)) {
      if (state.at === 'settling') clearInterval(state.again);
      if (state.at === 'starting') this.#ready.resolve();
      this.#forPerson = false;
      this.#move({ at: 'idle' });
    }
  }

  #isAwaited(nonce: number): boolean {
    const state = this.#state;
    return (state.at === 'starting' && nonce === 0) || (state.at === 'settling' && nonce === state.nonce);
  }

  #complete(run: Run): void {
    const { report } = run;
    if (report === undefined || !run.ended) return;
    if (!run.started) {
      this.#again(run);
      return;
    }
    this.lastUsedAt = new Date();
    run.release({ status: 'completed', exitCode: report.exitCode });
    if (run.disturbed || run.stopping !== undefined) this.#settle();
    else this.#move({ at: 'idle' });
  }

  /**
   * Makes the shell able to report, and has it report. Whether the command ran is known only then: what the terminal
   * showed until the report that failed may still be under way.
   */
  #heal(run: Run): void {
    run.healings += 1;
    if (run.healings > healingLimit) void this.close('was ended: its shell no longer did as it was told');
    else this.#shell.recover(run.nonce);
  }

  /** Runs a command that could not even begin, once more. */
  #again(run: Run): void {
    if (run.again) {
      void this.close('was ended: its shell no longer did as it was told');
      return;
    }
    run.again = true;
    run.ended = false;
    run.report = undefined;
    run.nonce = this.#shell.run(run.execution.command, enterable(run.execution.command).path);
  }

  /** Sets the terminal up anew, after the answer went out. No command starts before that is done. */
  #settle(): void {
    const nonce = this.#shell.resetTerminal();
    let tries = 0;
    const again = setInterval(() => {
      tries += 1;
      // An interrupt that came late may have made the shell drop the line.
      if (tries < settleTries) this.#shell.resetTerminal(nonce);
      else void this.close('was ended: its shell did not answer any more');
    }, settleIntervalMs);
    this.#move({ at: 'settling', nonce, again });
  }

  /** A shell that waits for its next line although the command was not reported cannot report: `set -r`, for one. */
  #watch(run: Run): void {
    run.astray = this.#shell.atPrompt ? run.astray + 1 : 0;
    if (run.astray === 1) this.#shell.recover(run.nonce);
    if (run.astray >= 2) void this.close('was ended: its shell came back without a word about the command');
  }

  #onExit({ exitCode, signal: number }: ProgramExit): void {
    const execution = this.#run?.execution;
    if (execution !== undefined && /\bexit\b/.test(execution.command.text)) execution.dropExitNotice();
    const killed = number === 0 ? `ended with exit code ${exitCode}` : `was killed by signal ${number}`;
    const byItself: Outcome =
      number === 0 ? { status: 'completed', exitCode } : { status: 'terminated', exitCode: 128 + number };
    this.#finish(this.#closing ?? killed, this.#closing === undefined ? byItself : undefined);
  }

  #finish(why: string, outcome: Outcome = { status: 'terminated', exitCode: null }): void {
    const state = this.#state;
    if (state.at === 'ended') return;
    this.#state = { at: 'ended' };
    if (state.at === 'settling') clearInterval(state.again);
    if (state.at === 'prompting') state.prompting[Symbol.dispose]();
    const fault =
      state.at === 'starting' ? new Fault('session_failed', `The session ${why}. Nothing ran.`) : undefined;
    if (fault !== undefined) this.#ready.reject(fault);
    this.#options.onEnd(why);
    this.#viewers?.end(why);
    if (state.at === 'running') {
      const { run } = state;
      run.execution.hints.push(
        `The session ${why}; its state is lost, and the next call on it gets a fresh shell.`,
      );
      run.release(outcome);
    }
    for (const execution of this.#queue.splice(0)) execution.drop(fault);
    this.#ended.resolve();
  }
}
