import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

/** How long a program has to end by itself when it is asked to. */
const graceMs = 10_000;

/** A started program. Disposing of it asks it to end, ends it by force if it does not, and waits until it is gone. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  /** The end of the program, in words: `exit code 0`, `killed by SIGTERM`. */
  readonly ended: Promise<string>;
  #errors = '';

  /**
   * Starts `node` on a file. File descriptor 3 is a pipe that the program may write to.
   *
   * @param launcher a program, and its arguments, that is to start node: it must become what it starts.
   */
  constructor(
    file: string,
    env: NodeJS.ProcessEnv,
    args: readonly string[] = [],
    launcher: readonly string[] = [],
  ) {
    const [program = process.execPath, ...rest] = [...launcher, process.execPath, file, ...args];
    this.process = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-20_000);
    });
    this.ended = new Promise((resolve) => {
      this.process.once('error', ({ message }) => resolve(message));
      this.process.once('exit', (code, signal) =>
        resolve(signal ? `killed by ${signal}` : `exit code ${code}`),
      );
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('the program could not be started');
    return this.process.pid;
  }

  /** Throws when the program has ended. */
  assertRunning(): void {
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) throw new Error(`the program has ended: ${this.#errors}`);
  }

  /** The end of what the program has written to its standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** The first line that the program writes to one of its descriptors; throws when it ends before. */
  async firstLine(descriptor: 1 | 3): Promise<string> {
    const stream = this.process.stdio[descriptor];
    if (!stream || !('setEncoding' in stream)) throw new Error(`descriptor ${descriptor} is no pipe`);
    const line = new Promise<string>((resolve) => {
      let text = '';
      const collect = (chunk: string) => {
        text += chunk;
        const end = text.indexOf('\n');
        if (end < 0) return;
        stream.off('data', collect);
        stream.resume();
        resolve(text.slice(0, end));
      };
      stream.setEncoding('utf8').on('data', collect);
    });
    const failed = this.ended.then((end) => {
      throw new Error(`the program ended before it was ready (${end}): ${this.#errors}`);
    });
    return Promise.race([line, failed]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.stdin?.destroy();
    this.process.kill('SIGTERM');
    const giveUp = new AbortController();
    const force = setTimeout(graceMs, undefined, { signal: giveUp.signal }).then(
      () => this.process.kill('SIGKILL'),
      () => {},
    );
    await this.ended;
    giveUp.abort();
    await force;
    for (const stream of this.process.stdio) stream?.destroy();
  }
}
