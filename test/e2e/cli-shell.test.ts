/** `paddock shell` in a real terminal, with the gateway and the sandboxes that it is shipped with. */
import { createRequire } from 'node:module';
import { connect, createServer, type Socket } from 'node:net';
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

  constructor(args: readonly string[], url = gateway.url) {
    const { PATH, HOME, TMPDIR, LEAK_CHECK_RUN } = process.env;
    const env = { PATH, HOME, TMPDIR, LEAK_CHECK_RUN, PADDOCK_URL: url, TERM: 'xterm' };
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
    await using person = new Person(['box']);
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
    await using person = new Person(['box']);
    await person.sees(/\$ $/);
    person.type('KEPT=yes; echo "made $KEPT"\r');
    await person.sees(/made yes\s/);
    person.type('\x1d');
    const session = await person.sees(/--session (\S+)/);
    expect(await person.exitCode).toBe(0);
    await using back = new Person(['box', '--session', session]);
    await back.sees(/made yes\s/);
    back.type('echo "still $KEPT"\r');
    await back.sees(/still yes\s/);
    back.type('exit\r');
    expect(await back.exitCode).toBe(0);
  });

  it.each([
    ['its exit code', 'exit 42', 42],
    ['128 and the number of the signal that ended it', 'kill -9 $$', 137],
  ])('ends with that of the shell: %s', async (_, typed, exitCode) => {
    await using person = new Person(['box']);
    await person.sees(/\$ $/);
    person.type(`${typed}\r`);
    await person.sees(/The session [^\n]+\n/);
    expect(await person.exitCode).toBe(exitCode);
  });

  it('leaves the title of the window alone', async () => {
    await using person = new Person(['box']);
    const shown = await person.sees(/\$ $/);
    person.type('true\r');
    expect(shown + (await person.sees(/\$ $/))).not.toMatch(/\x1b\][012];/);
    person.type('exit\r');
    await person.exitCode;
  });

  it('comes back to its session when the connection breaks, and says so', async () => {
    await using way = await breakable(gateway.url);
    await using person = new Person(['box'], way.url);
    await person.sees(/\$ $/);
    person.type('KEPT=yes; echo "made $KEPT"\r');
    await person.sees(/made yes\s/);
    way.cut();
    await person.sees(/connection broke; connecting again\][\s\S]*connected again\]/);
    person.resize(64, 18);
    person.type('echo "still $KEPT $(stty size)"\r');
    await person.sees(/still yes 18 64\s/);
    person.type('exit 3\r');
    expect(await person.exitCode).toBe(3);
  });

  it('can be left while there is no connection', async () => {
    await using way = await breakable(gateway.url);
    await using person = new Person(['box'], way.url);
    await person.sees(/\$ $/);
    way.close();
    await person.sees(/connecting again\]/);
    person.type('\x1d');
    await person.sees(/--session (\S+)/);
    expect(await person.exitCode).toBe(0);
  });

  it.each([
    ['a sandbox that is not there', ['nobody'], /error: .*no sandbox "nobody"\s+hint: \S/],
    ['a session that is not there', ['box', '--session', 'gone'], /error: .+\s+hint: .*--session/],
    ['a key that is none', ['box', '--detach-key', 'enter'], /error: there is no key "enter"\s+hint: \S/],
  ])('refuses %s', async (_, args, message) => {
    await using person = new Person(args);
    await person.sees(message);
    expect(await person.exitCode).toBe(125);
  });
});

/** A way to an address that can be cut. */
async function breakable(address: string) {
  const { hostname, port } = new URL(address);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.once('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listening = server.address();
  const own = typeof listening === 'object' && listening !== null ? listening.port : 0;
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  const close = () => {
    server.close();
    cut();
  };
  return { url: `http://127.0.0.1:${own}`, cut, close, [Symbol.asyncDispose]: async () => close() };
}
