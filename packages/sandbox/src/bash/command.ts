/** One command in a bash of its own: a fresh process and process group, output and errors apart. */
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { BashStatus } from '@paddock/protocol';
import type { OutputRing } from '../output/ring.ts';
import { commandMembers, endAll, isAlive, signal } from '../processes/index.ts';
import { drained } from './drain.ts';
import type { Spare } from './lane.ts';
import { type Script, spareCommand } from './script.ts';

export interface BashCommandOptions {
  readonly spare: Spare;
  readonly script: Script;
  /** Where to put a command that is too long to be sent. */
  readonly file: string;
  /** Kill it after so long. */
  readonly hardTimeoutMs?: number | undefined;
}

/** How a command can be asked to end. */
export type EndSignal = 'SIGTERM' | 'SIGKILL' | 'SIGINT';

/** Time to clean up between SIGTERM and SIGKILL: at the hard timeout and the end of the session, and when asked to. */
const stopGraceMs = 250;
const terminateGraceMs = 5000;
const signalledExitCodes = 128;
const orphanPollMs = 50;

export class BashCommand {
  readonly id: string;
  readonly text: string;
  /** Resolves when it has exited and its output is complete. */
  readonly ended: Promise<void>;
  /** Resolves when nothing holds its output any more, be it a child that it left in the background. */
  readonly released: Promise<void>;
  readonly readsInput: boolean;
  readonly #spare: Spare;
  readonly #listeners = new Set<() => void>();
  #status: BashStatus = 'running';
  #stopping: 'timed_out' | 'killed' | undefined;
  #killing: Promise<void> | undefined;
  #exited = false;
  #exitCode: number | null = null;

  constructor({ spare, script, file, hardTimeoutMs }: BashCommandOptions) {
    this.id = spare.id;
    this.text = script.text;
    this.readsInput = script.readsInput;
    this.#spare = spare;
    const { input, stdout, stderr } = spare.channel;
    const { line, content } = spareCommand(script, file);
    if (content !== undefined) writeFileSync(file, content, { mode: 0o600 });
    input.begin(`${line}\0`);
    for (const output of [stdout, stderr]) output.onChange(() => this.#changed());
    this.ended = this.#watch(hardTimeoutMs).finally(() => {
      if (content !== undefined) rmSync(file, { force: true });
    });
    this.released = Promise.all([this.ended, stdout.closed, stderr.closed]).then(() => undefined);
  }

  get status(): BashStatus {
    return this.#status;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  get stdout(): OutputRing {
    return this.#spare.channel.stdout.ring;
  }

  get stderr(): OutputRing {
    return this.#spare.channel.stderr.ring;
  }

  /** Bytes that were written to it and that it has not begun to take. */
  get waitingInputBytes(): number {
    return this.#spare.channel.input.waitingBytes;
  }

  /** Writes to its standard input. False when it has none, or has ended. */
  write(input: Uint8Array): boolean {
    return this.readsInput && this.#status === 'running' && this.#spare.channel.input.write(input);
  }

  /** It reads the end of its input behind what was written. */
  endInput(): void {
    if (this.readsInput) this.#spare.channel.input.end();
  }

  /** Calls back at every output and at the end, until disposed of. */
  onChange(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /**
   * Signals it and all that it started, wherever that has gone. Resolves when they are gone, which SIGTERM gives them some
   * seconds for; after SIGINT, which they may take as they like, at once.
   */
  async kill(name: EndSignal): Promise<void> {
    if (name !== 'SIGINT') {
      await this.#end('killed', name, name === 'SIGKILL' ? 0 : terminateGraceMs);
      return;
    }
    this.#stopping ??= 'killed';
    for (const member of this.#members()) signal(member, name);
  }

  /** Ends it and all that it started. Resolves when they are gone and its output is complete. */
  async stop(status: 'timed_out' | 'killed'): Promise<void> {
    await this.#end(status, 'SIGTERM', stopGraceMs);
    this.#spare.channel[Symbol.dispose]();
  }

  async #end(status: 'timed_out' | 'killed', name: 'SIGTERM' | 'SIGKILL', graceMs: number): Promise<void> {
    if (this.#status === 'running') this.#stopping = status;
    const killing = endAll(() => this.#members(), name, graceMs);
    this.#killing = killing;
    await killing;
    await this.ended;
  }

  /** After it has exited its group's number may belong to others. */
  #members(): number[] {
    return commandMembers(this.#exited ? undefined : this.#spare.pid, this.#spare.mark);
  }

  async #watch(hardTimeoutMs: number | undefined): Promise<void> {
    const timer =
      hardTimeoutMs === undefined ? undefined : setTimeout(() => void this.stop('timed_out'), hardTimeoutMs);
    const exitCode = await this.#spare.exited;
    // What told of it has ended before it: nobody knows its exit code, but that it lives can still be seen.
    while (exitCode === undefined && isAlive(this.#spare.pid)) await pause(orphanPollMs);
    this.#exited = true;
    clearTimeout(timer);
    await this.#killing;
    await drained(this.#spare.channel);
    this.#spare.channel.input.close(!this.readsInput);
    this.#exitCode = exitCode ?? null;
    this.#status = this.#endStatus(exitCode);
    this.#changed();
  }

  /** One that took an interrupt and ended as it wanted was not killed by it. */
  #endStatus(exitCode: number | undefined): BashStatus {
    if (exitCode === undefined) return this.#stopping ?? 'killed';
    if (this.#stopping === undefined) return 'completed';
    return this.#killing === undefined && exitCode < signalledExitCodes ? 'completed' : this.#stopping;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
