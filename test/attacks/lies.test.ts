/** A sandbox server that its user has taken over: whatever it says, the gateway and other sandboxes stay well. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { makeLie, run } from './inside.ts';
import { exchange, open, written } from './raw.ts';

/** For what comes to hold. */
const patient = { timeout: 10_000 };

describe('Lies of a sandbox server', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '2' });
    await makeLie(gateway, 'liar');
  });
  afterAll(() => gateway[Symbol.asyncDispose]());
  afterEach(async () => {
    expect(await run(gateway, 'honest', 'echo fine')).toBe('fine\n');
    expect(await ask('sent')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\d+$/s);
    expect(gateway.child.errors).not.toContain('internal fault');
  });

  const ask = (lie: string) =>
    exchange(gateway.url, written([`GET /s/liar/v1/lie/${lie} HTTP/1.1`, 'host: localhost']));
  const memoryMib = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))?.[1]) / 1024;

  /** What the gateway has had of processors since it was started (proc_pid_stat(5); a tick is 10 ms). */
  const processorMs = () => {
    const stat = readFileSync(`/proc/${gateway.child.pid}/stat`, 'utf8');
    const [user = '', system = ''] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) * 10;
  };

  it('answers that are no HTTP, or that can be read in two ways', async () => {
    const lies = [
      ...['no-http', 'length-and-chunks', 'two-lengths', 'bare-line-ends', 'folded-header'],
      ...['status-of-four', 'status-too-low', 'hang-up'],
    ];
    for (const lie of lies) {
      const answer = await ask(lie);
      expect([lie, answer.slice(0, 13)]).toEqual([lie, 'HTTP/1.1 410 ']);
      expect(answer).not.toContain('smuggled');
    }
    expect(await ask('headers')).toContain('x-paddock-token');
  });

  it('answers that break off in the middle', async () => {
    for (const lie of ['short-body', 'bad-chunks']) {
      const answer = await ask(lie);
      expect(answer).not.toContain('smuggled');
      expect(answer).not.toMatch(/\r\n0\r\n\r\n$/); // The caller sees that it is not whole.
    }
  });

  it('a second answer, at once or a moment later', async () => {
    for (const lie of ['second-answer', 'late-answer']) {
      const socket = await open(gateway.url);
      let received = '';
      socket.setEncoding('latin1').on('data', (text: string) => {
        received += text;
      });
      socket.write(`GET /s/liar/v1/lie/${lie} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      await expect.poll(() => received, patient).toMatch(/first$/);
      socket.write(written(['GET /s/honest/v1/sandbox HTTP/1.1', 'host: localhost']));
      await new Promise((resolve) => socket.once('close', resolve));
      expect(received.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
      expect(received).toContain('"home_dir"');
      expect(received).not.toContain('smuggled');
    }
  });

  it('a head without end', async () => {
    for (const lie of ['long-header', 'many-headers']) expect(await ask(lie)).toMatch(/^HTTP\/1\.1 410 /);
  });

  it('a body without end', async () => {
    const beforeMib = memoryMib();
    const mebibytes = 256;
    const request = written(['GET /s/liar/v1/lie/endless-body HTTP/1.1', 'host: localhost']);
    let received = 0;
    const socket = await open(gateway.url);
    socket.write(request);
    for await (const chunk of socket) {
      received += chunk.length;
      if (received > mebibytes * 1024 * 1024) break;
    }
    const sent = async () => Number((await ask('sent')).split('\r\n\r\n')[1]);
    expect(await sent()).toBeGreaterThan(mebibytes * 1024 * 1024);
    // Once the caller has gone, nobody listens to the rest.
    let last = -1;
    await expect
      .poll(async () => {
        const isStill = last === (await sent());
        last = await sent();
        return isStill;
      }, patient)
      .toBe(true);
    expect(memoryMib() - beforeMib).toBeLessThan(mebibytes / 2);
  });

  it('a change of protocol that nobody asked for', async () => {
    const answer = await ask('switch-unasked');
    expect(answer).toMatch(/^HTTP\/1\.1 410 /);
    expect(answer).not.toContain('smuggled');
  });

  it('a flood of interim answers', async () => {
    const answer = await ask('hints');
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*at last$/s);
    expect(answer).not.toContain('103');
  });

  it('a small answer that grows when it is unpacked', async () => {
    const beforeMib = memoryMib();
    const answer = await ask('bomb');
    expect(answer).toMatch(/^HTTP\/1\.1 200 .*content-encoding: gzip\r\n/s);
    expect(answer.length).toBeLessThan(1024 * 1024);
    expect(memoryMib() - beforeMib).toBeLessThan(64);
  });

  it('a flood in the log, of short lines or of one without end', async () => {
    for (const lie of ['print-lines', 'print-line']) {
      await makeLie(gateway, 'printer');
      const beforeMib = memoryMib();
      const printing = gateway.connection.send('GET', `/s/printer/v1/lie/${lie}`).catch(() => 'cut');
      await delay(1_000);
      const beforeMs = processorMs();
      await delay(2_000);
      // Read as fast as it comes, it keeps a processor busy.
      expect(processorMs() - beforeMs).toBeLessThan(700);
      gateway.child.assertRunning();
      expect(memoryMib() - beforeMib).toBeLessThan(128);
      expect(await run(gateway, 'honest', 'echo fine')).toBe('fine\n');
      await gateway.connection.call('DELETE', '/api/sandboxes/printer');
      await printing;
    }
  });

  it('forged lines in the log', async () => {
    await ask('print-forged');
    await expect.poll(() => gateway.child.errors, patient).toContain('forged');
    const entries = gateway.child.errors.split('\n').slice(1, -1);
    expect(entries.map((line) => JSON.parse(line).msg)).not.toContain('forged');
    const { body } = await gateway.connection.send('GET', '/api/sandboxes/liar/logs');
    expect(body.split('\n').filter((line) => line.includes('forged'))).toEqual([
      expect.stringMatching(/^\S+ server .*forged.*forged/),
    ]);
  });
});

describe('A sandbox server that', () => {
  it('claims to be in use for ever', async () => {
    const times = { PADDOCK_IDLE_SECONDS: '1.5', PADDOCK_MAX_LIFE_SECONDS: '6' };
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none', ...times });
    await run(gateway, 'honest', 'true');
    for (const [id, lie] of [
      ['liar', 'busy'],
      ['endless', 'endlessly-busy'],
    ] as const) {
      await makeLie(gateway, id);
      await gateway.connection.send('GET', `/s/${id}/v1/lie/${lie}`);
    }
    const live = async () => {
      const listed = (await gateway.connection.call('GET', '/api/sandboxes')) as {
        sandboxes: { sandbox_id: string }[];
      };
      return listed.sandboxes.map(({ sandbox_id }) => sandbox_id).sort();
    };
    await expect.poll(live, { timeout: 5_000, interval: 50 }).toEqual(['liar']);
    await expect.poll(live, { timeout: 10_000, interval: 100 }).toEqual([]);
  });

  it('does not answer any more, and is to be ended', async () => {
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none' });
    await run(gateway, 'stopped', 'true');
    const hangs = run(gateway, 'stopped', 'kill -STOP $(pgrep -of ^/opt/paddock/bin/node)').catch(
      () => 'cut',
    );
    expect(await run(gateway, 'other', 'echo fine')).toBe('fine\n');
    await gateway.connection.call('DELETE', '/api/sandboxes/stopped');
    expect(await hangs).toBe('cut');
    expect(await run(gateway, 'stopped', 'echo new')).toBe('new\n');
  });
});
