/** A terminal, for commands that go on until their reader ends them or types something. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { waitFor } from '../cluster/wait.ts';

const root = join(import.meta.dirname, '../..');

/** The part of node-pty that is used here. */
interface Pty {
  write(data: string): void;
  kill(signal?: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (end: { exitCode: number }) => void): void;
}
interface NodePty {
  spawn(file: string, args: readonly string[], options: object): Pty;
}

/** What runs in a terminal. Disposing of it ends it. */
export interface Terminal extends Disposable {
  /** All that it has printed, lines ending as terminals have them: `\r\n`. */
  readonly screen: string;
  readonly exitCode: Promise<number>;
  types(text: string): void;
  /** Waits until it has printed this; fails with all that it has printed. */
  shows(pattern: RegExp, timeoutMs?: number): Promise<void>;
}

/** Runs a program in a terminal of its own. */
export function openTerminal(
  [program = '', ...args]: readonly string[],
  { env, cwd }: { readonly env: Readonly<Record<string, string>>; readonly cwd: string },
): Terminal {
  const command = [program, ...args].join(' ');
  const pty = createRequire(join(root, 'packages/sandbox/package.json'))('@lydell/node-pty') as NodePty;
  const child = pty.spawn(program, args, {
    cwd,
    env: { ...process.env, ...env, TERM: 'xterm' },
    cols: 200,
  });
  let screen = '';
  let hasEnded = false;
  child.onData((data) => {
    screen += data;
  });
  const ended = Promise.withResolvers<number>();
  child.onExit(({ exitCode }) => {
    hasEnded = true;
    ended.resolve(exitCode);
  });
  return {
    get screen() {
      return screen;
    },
    exitCode: ended.promise,
    types: (text) => child.write(text),
    shows: async (pattern, timeoutMs = 60_000) => {
      const explain = () => `the terminal shows:\n${screen}`;
      await waitFor({ what: `${command}: ${pattern}`, timeoutMs, everyMs: 20, explain }, () => {
        const shown = pattern.test(screen);
        if (!shown && hasEnded) throw new Error(`${command} has ended without ${pattern}; ${explain()}`);
        return shown;
      });
    },
    [Symbol.dispose]: () => {
      if (!hasEnded) child.kill('SIGKILL');
    },
  };
}
