/** `paddock shell` in a real terminal, with the gateway and the sandboxes that it is shipped with. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'dist/cli/main.cjs');

/** The part of node-pty that is used here. */
interface Pty {
  write(data: string): void;
  resize(columns: number, rows: number): void;
  kill(signal?: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (end: { exitCode: number }) => void): void;
}
interface NodePty {
  spawn(file: string, args: readonly string[], options: object): Pty;
}
const pty = createRequire(join(root, 'packages/sandbox/package.json'))('@lydell/node-pty') as NodePty;

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
  await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'box' });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A person in front of a terminal in which `paddock shell` runs. */
class Person implements AsyncDisposable {
  readonly #pty: Pty;
  readonly exitCode: Promise<number>;
  screen = '';

  constructor(...args: string[]) {
    const { PATH, HOME, TMPDIR, LEAK_CHECK_RUN } = process.env;
    const env = { PATH, HOME, TMPDIR, LEAK_CHECK_RUN, PADDOCK_URL: gateway.url, TERM: 'xterm' };
    this.#pty = pty.spawn(process.execPath, [main, 'shell', ...args], { cols: 101, rows: 33, env });
    this.#pty.onData((text) => {
      this.screen += text;
    });
    this.exitCode = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => resolve(exitCode));
    });
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Waits until this stands on the screen, then forgets what was there. */
  async sees(pattern: RegExp): Promise<string> {
    await expect.poll(() => this.screen, { timeout: 10_000 }).toMatch(pattern);
    const { screen } = this;
    this.screen = '';
    return pattern.exec(screen)?.[1] ?? screen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pty.kill('SIGKILL');
    await this.exitCode;
  }
}

describe('paddock shell', () => {
  it('is a terminal of the sandbox: its size, its keys, its full-screen programs', async () => {
    await using person = new Person('box');
    await person.sees(/\$ $/);
    person.type('stty size; id -u\r');
    await person.sees(/33 101\s+1000\s/);
    person.resize(70, 20);
    await expect
      .poll(() => {
        person.type('stty size\r');
        return person.screen;
      })
      .toMatch(/20 70\s/);
    person.type('sleep 60\r');
    await person.sees(/sleep 60\s/);
    person.type('\x03echo "ended by $?"\r');
    await person.sees(/ended by 130\s/);
    person.type("printf '\\e[?1049h'; read -rsn 3 key; printf '\\e[?1049l'; echo \"got ${#key}\"\r");
    await person.sees(/\x1b\[\?1049h/);
    person.type('\x1b[A');
    await person.sees(/got 3\s/);
    person.type('exit\r');
    await person.sees(/The session [^\n]+\n/);
    expect(await person.exitCode).toBe(0);
  });

  it('goes on when it is left, and can be come back to', async () => {
    await using person = new Person('box');
    await person.sees(/\$ $/);
    person.type('KEPT=yes; echo "made $KEPT"\r');
    await person.sees(/made yes\s/);
    person.type('\x1d');
    const session = await person.sees(/--session (\S+)/);
    expect(await person.exitCode).toBe(0);
    await using back = new Person('box', '--session', session);
    await back.sees(/made yes\s/);
    back.type('echo "still $KEPT"\r');
    await back.sees(/still yes\s/);
    back.type('exit\r');
    expect(await back.exitCode).toBe(0);
  });

  it.each([
    ['a sandbox that is not there', ['nobody'], /error: .*no sandbox "nobody"\s+hint: \S/],
    ['a session that is not there', ['box', '--session', 'gone'], /error: .+\s+hint: .*--session/],
    ['a key that is none', ['box', '--detach-key', 'enter'], /error: there is no key "enter"\s+hint: \S/],
  ])('refuses %s', async (_, args, message) => {
    await using person = new Person(...args);
    await person.sees(message);
    expect(await person.exitCode).toBe(125);
  });
});
