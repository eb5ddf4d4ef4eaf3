import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TerminalSockets } from '../src/shell/index.ts';
import { TestShells } from './shell.support.ts';

const shells = new TestShells();
const sockets = new TerminalSockets(shells.sessions, {
  admit(request) {
    if (request.headers['x-key'] === 'wrong') throw new Error('not admitted');
  },
  logFault: () => undefined,
});
const server = createServer();
server.on('upgrade', (request, socket, head) => void sockets.upgrade(request, socket, head));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

afterAll(async () => {
  sockets[Symbol.dispose]();
  await new Promise((resolve) => server.close(resolve));
  await shells[Symbol.asyncDispose]();
});

interface Message {
  readonly type: string;
  readonly data?: unknown;
}

/** A person at a terminal: what they see, and a way to wait for it. */
class Person implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  screen = '';
  #seen = 0;
  #wake: () => void = () => undefined;

  constructor(query = '', headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v1/shell/ws${query}`, { headers });
    this.socket.on('message', (data) => {
      const message: Message = JSON.parse(String(data));
      this.messages.push(message);
      if (message.type === 'output') this.screen += String(message.data).replace(/\x1b\[\?2004[hl]\r?/g, '');
      this.#wake();
    });
    this.socket.on('error', () => this.#wake());
    this.socket.on('close', () => this.#wake());
  }

  static async come(query = ''): Promise<Person> {
    const person = new Person(query);
    await person.until(() => person.messages.some(({ type }) => type === 'ready'));
    return person;
  }

  get id(): string {
    return String(this.messages.find(({ type }) => type === 'session_id')?.data);
  }

  type(data: string): void {
    this.socket.send(JSON.stringify({ type: 'input', data }));
  }

  /** Resolves once this shows after what was seen before. */
  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    await this.until(() => {
      found = pattern.exec(this.screen.slice(this.#seen));
      return found !== null;
    });
    if (found === null) throw new Error(`never seen: ${pattern} in ${JSON.stringify(this.screen)}`);
    const { index, 0: text } = found as RegExpExecArray;
    this.#seen += index + text.length;
    return found;
  }

  async until(isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + 8000;
    while (!isSo() && performance.now() < deadline) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, 1000);
      if (!isSo()) await promise;
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.close();
    await closed;
  }
}

const prompt = /[$#] $/;

describe('a person at a terminal', () => {
  it('types commands at a prompt, with the state of the session', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    person.type('A=1; cd /usr\r');
    await person.sees(/A=1; cd \/usr\r\n[\s\S]*[$#] $/);
    person.type('echo "$A$PWD"\r');
    await person.sees(/1\/usr\r\n[\s\S]*[$#] $/);
    expect(await shells.run(person.id, 'echo $A; pwd')).toMatchObject({ output: '1\n/usr\n' });
  });

  it('edits the line and finds earlier ones again', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    person.type('echo fiv\x7f\x7five\x01\x0b#\r');
    await person.sees(/[$#] $/);
    person.type('echo once\r');
    await person.sees(/\nonce\r\n[\s\S]*[$#] $/);
    person.type('\x1b[A');
    await person.sees(/echo once$/);
    person.type(' more\r');
    await person.sees(/\nonce more\r\n/);
  });

  it('sees what others run, and keeps the line that was half typed', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    person.type('echo half');
    await person.sees(/echo half$/);
    const { output } = await shells.run(person.id, 'echo theirs; stty -a | grep -o -- "-echo " ');
    expect(output).toBe('theirs\n-echo \n');
    await person.sees(/half\r\ntheirs\r\n[\s\S]*[$#] echo half$/);
    person.type('-done\r');
    await person.sees(/\nhalf-done\r\n/);
  });

  it('interrupts with Ctrl-C, at the prompt and in a command', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    person.type('garbage\x03');
    await person.sees(/\^C[\s\S]*[$#] $/);
    person.type('sleep 60\r');
    await person.sees(/sleep 60\r\n/);
    while (!('session' in shells.sessions.find(person.id))) await person.until(() => true);
    await person.until(() => standing(person.id) === 'running');
    await new Promise((resolve) => setTimeout(resolve, 100));
    person.type('\x03');
    await person.sees(/\^C[\s\S]*[$#] $/);
    person.type('echo $?\r');
    await person.sees(/\n130\r\n/);
  });

  it('has a terminal of the size that was asked for, until they go', async () => {
    const person = await Person.come();
    await person.sees(prompt);
    person.socket.send(JSON.stringify({ type: 'resize', data: { cols: 99, rows: 33 } }));
    person.type('stty size\r');
    await person.sees(/33 99\r\n/);
    const { id } = person;
    await person[Symbol.asyncDispose]();
    expect((await shells.run(id, 'stty size')).output).toBe('50 200\n');
  });

  it('runs programs that take the whole screen', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    person.type('IFS= read -rsn1 key; echo "key=$key"; stty raw -echo; printf RAW; head -c 3; stty sane\r');
    await person.sees(/stty sane\r\n/);
    await person.until(() => standing(person.id) === 'running');
    person.type('x');
    await person.sees(/key=x\r\nRAW/);
    person.type('a\rb');
    await person.sees(/a\rb/);
    await person.sees(prompt);
  });

  it('comes back to what was there', async () => {
    const first = await Person.come();
    await first.sees(prompt);
    first.type('echo before\r');
    await first.sees(/\nbefore\r\n[\s\S]*[$#] $/);
    const { id } = first;
    await first[Symbol.asyncDispose]();
    await using again = await Person.come(`?session_id=${id}`);
    expect(again.id).toBe(id);
    await again.sees(/\nbefore\r\n/);
    again.type('echo after\r');
    await again.sees(/\nafter\r\n/);
  });

  it('shares it with others', async () => {
    await using one = await Person.come();
    await one.sees(prompt);
    await using two = await Person.come(`?session_id=${one.id}`);
    two.type('echo from two\r');
    await one.sees(/\nfrom two\r\n/);
    await two.sees(/\nfrom two\r\n/);
  });

  it('leaves with exit and with Ctrl-D', async () => {
    for (const keys of ['exit 3\r', '\x04']) {
      await using person = await Person.come();
      await person.sees(prompt);
      person.type(keys);
      await person.until(() => person.socket.readyState === WebSocket.CLOSED);
      expect(person.socket.readyState).toBe(WebSocket.CLOSED);
      expect(person.messages.at(-1)?.type).toBe('error');
      expect((await shells.run(person.id, 'echo OK')).output).toBe('OK\n');
    }
  });

  it('is told of a session that never was, and of what is no message', async () => {
    await using nobody = new Person('?session_id=never-made');
    await nobody.until(() => nobody.socket.readyState === WebSocket.CLOSED);
    expect(nobody.messages).toMatchObject([{ type: 'error' }]);
    await using person = await Person.come();
    person.socket.send('nonsense');
    person.socket.send(JSON.stringify({ type: 'resize', data: { cols: -1, rows: 0 } }));
    await person.until(() => person.messages.filter(({ type }) => type === 'error').length === 2);
    expect(person.messages.filter(({ type }) => type === 'error').length).toBe(2);
  });

  it('is refused without a token', async () => {
    await using refused = new Person('', { 'x-key': 'wrong' });
    await refused.until(() => refused.socket.readyState === WebSocket.CLOSED);
    expect(refused.messages).toEqual([]);
    expect(refused.socket.readyState).toBe(WebSocket.CLOSED);
  });
});

describe('commands beside a person who types', () => {
  it('all run, in the order of their arrival', async () => {
    await using person = await Person.come();
    await person.sees(prompt);
    for (let round = 0; round < 10; round += 1) {
      person.type(`typed=${round}\r`);
      const ran = await shells.run(person.id, `echo ${round}`);
      expect(ran.output).toBe(`${round}\n`);
    }
    await person.until(() => standing(person.id) === 'prompting');
    expect((await shells.run(person.id, 'echo $typed')).output).toBe('9\n');
  });
});

function standing(id: string): string {
  const found = shells.sessions.find(id);
  return 'session' in found ? found.session.standing : 'ended';
}
