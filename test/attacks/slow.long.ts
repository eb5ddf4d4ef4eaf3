/** A head that never ends: cut off when its time is over, which takes a minute to see. */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { open } from './raw.ts';

describe('Requests that take for minutes', () => {
  it('a head without end', { timeout: 150_000 }, async () => {
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none' });
    const socket = await open(gateway.url);
    socket.write('GET /health HTTP/1.1\r\nhost: localhost\r\n');
    const drip = setInterval(() => socket.write('x: y\r\n'), 1_000);
    try {
      const begunMs = performance.now();
      const [[answer]] = await Promise.all([
        once(socket.setEncoding('latin1'), 'data'),
        once(socket, 'close'),
      ]);
      expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect(performance.now() - begunMs).toBeLessThan(120_000);
    } finally {
      clearInterval(drip);
    }
  });
});
