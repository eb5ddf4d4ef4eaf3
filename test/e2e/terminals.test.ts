/** The WebSocket of a shell session through a gateway. */
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { WebSocketClient } from '../support/websocket.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
  await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'named' });
});
afterAll(() => gateway[Symbol.asyncDispose]());

/** A person at a terminal. */
class Person {
  readonly client: WebSocketClient;
  readonly id: string;

  constructor(client: WebSocketClient, id: string) {
    this.client = client;
    this.id = id;
  }

  static async come(path: string, headers: Record<string, string>, session?: string): Promise<Person> {
    const query = session === undefined ? '' : `?session_id=${session}`;
    const client = await WebSocketClient.open(`${gateway.url}${path}${query}`, headers);
    const { data } = JSON.parse(await client.message(/"session_id"/)) as { data: string };
    return new Person(client, data);
  }

  say(message: object): void {
    this.client.send(JSON.stringify(message));
  }

  /** Waits until this has come, whichever messages it is spread over. */
  async sees(pattern: RegExp): Promise<void> {
    const screen = () =>
      this.client.messages
        .map((message) => JSON.parse(message) as { type: string; data?: unknown })
        .map(({ type, data }) => (type === 'output' || type === 'error' ? String(data) : ''))
        .join('');
    await expect.poll(screen, { timeout: 10_000 }).toMatch(pattern);
    this.client.messages.length = 0;
  }
}

const prompt = /[$#] $/;

describe.each<[string, string, Record<string, string>]>([
  ['of the default sandbox', '/v1/shell/ws', {}],
  ['of a sandbox that a header names', '/v1/shell/ws', { 'x-sandbox-id': 'by-header' }],
  ['of a sandbox that a path names', '/s/named/v1/shell/ws', {}],
])('a terminal %s', (_, path, headers) => {
  it('takes input and its size, and answers pings', async () => {
    const person = await Person.come(path, headers);
    await using client = person.client;
    await person.sees(prompt);
    person.say({ type: 'resize', data: { cols: 91, rows: 31 } });
    person.say({ type: 'input', data: 'stty size\r' });
    await person.sees(/31 91\r\n/);
    await client.ping();
    person.say({ type: 'pong', timestamp: 1 });
    person.say({ type: 'input', data: 'echo still-$((6*7))\r' });
    await person.sees(/still-42\r\n/);
  });

  it('stays when its person goes, and shows them what was there when they come back', async () => {
    const first = await Person.come(path, headers);
    {
      await using client = first.client;
      await first.sees(prompt);
      first.say({ type: 'input', data: 'kept=here; echo before-$((6*7))\r' });
      await first.sees(/before-42\r\n/);
      client.close(4000, 'later');
      expect(await client.closed).toEqual([4000, 'later']);
    }
    const again = await Person.come(path, headers, first.id);
    await using _client = again.client;
    expect(again.id).toBe(first.id);
    await again.sees(/before-42\r\n/);
    again.say({ type: 'input', data: 'echo $kept-again\r' });
    await again.sees(/here-again\r\n/);
  });

  it('is closed by the shell’s end', async () => {
    const person = await Person.come(path, headers);
    await using client = person.client;
    await person.sees(prompt);
    person.say({ type: 'input', data: 'exit\r' });
    expect((await client.closed)[0]).toBe(1000);
  });

  it('is refused for a session that never was', async () => {
    await using client = await WebSocketClient.open(`${gateway.url}${path}?session_id=never-made`, headers);
    expect(await client.closed).toEqual([1008, 'session_not_found']);
  });
});

describe('a terminal', () => {
  it('is closed when its sandbox dies', async () => {
    const headers = { 'x-sandbox-id': 'mortal' };
    const person = await Person.come('/v1/shell/ws', headers);
    await using client = person.client;
    const sandbox = new Sandbox({ baseUrl: gateway.url, id: 'mortal' });
    await expect(sandbox.shell.exec({ command: 'kill -9 $PPID; sleep 60' })).rejects.toMatchObject({
      status: 410,
    });
    expect((await client.closed)[0]).toBe(1006);
  });

  it.each([
    ['a sandbox that does not exist', '/s/nobody/v1/shell/ws', {}, '404'],
    ['what is no terminal', '/v1/shell/exec', {}, '404'],
    ['an operation of the gateway', '/api/sandboxes', {}, '404'],
    ['two sandboxes', '/v1/shell/ws', { 'x-sandbox-id': 'a, b' }, '422'],
    ['a page of another origin', '/v1/shell/ws', { origin: 'http://evil.example' }, '403'],
  ])('is none for %s', async (_, path, headers, status) => {
    await using client = new WebSocketClient(gateway.url + path, headers);
    expect(await client.opened).toContain(status);
  });
});
