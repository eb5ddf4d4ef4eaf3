/** More of the machine than one sandbox's share. Limits take control groups, which take root, as CI has. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { python, run } from './inside.ts';

const hasLimits = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].some((path) => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
});

describe('More than a share', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const limits = { PADDOCK_MEMORY_LIMIT_MIB: '160', PADDOCK_PROCESS_LIMIT: '60', PADDOCK_CPU_LIMIT: '0.5' };
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1', ...limits });
    await run(gateway, 'other', 'true');
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  /** Another sandbox is served meanwhile, and the bad one can be ended and begun anew. */
  const expectOthersWell = async (id: string) => {
    const begunMs = performance.now();
    expect(await run(gateway, 'other', 'echo fine')).toBe('fine\n');
    expect(performance.now() - begunMs).toBeLessThan(10_000);
    await gateway.connection.call('DELETE', `/api/sandboxes/${id}`);
    expect(await run(gateway, id, 'echo new')).toBe('new\n');
  };

  it.skipIf(!hasLimits)('a fork bomb', async () => {
    // From then on it can start nothing, and so waits without.
    const bomb = 'bomb() { bomb | bomb & }; bomb 2> failed; until [ -s failed ]; do :; done; echo limited';
    expect(await run(gateway, 'bomber', bomb)).toContain('limited');
    expect(Number(await run(gateway, 'other', "ls /proc | grep -c '^[0-9]'"))).toBeLessThan(30);
    await expectOthersWell('bomber');
  });

  it.skipIf(!hasLimits)('all memory, by one process, by many and by files in memory', async () => {
    const hog = 'x = bytearray(400 * 1024 * 1024); print("had", "it")';
    expect(await python(gateway, 'hog', 'x = bytearray(40 * 1024 * 1024); print("had", "it")')).toBe(
      'had it\n',
    );
    expect(await python(gateway, 'hog', hog)).not.toContain('had it');
    const many = 'for i in 1 2 3 4 5 6 7 8; do head -c 60M /dev/zero | tail | wc -c & done; wait';
    expect((await run(gateway, 'hog', many).catch(() => '')).match(/62914560/g)?.length ?? 0).toBeLessThan(8);
    const files = 'head -c 400M /dev/zero > /dev/shm/large && echo had it';
    expect(await run(gateway, 'hog', files).catch(() => 'cut')).not.toContain('had it');
    await expectOthersWell('hog');
  });

  it('all of the gateway’s memory, by output that nobody reads', async () => {
    const memoryMib = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.child.pid}/status`, 'utf8'))?.[1]) / 1024;
    const beforeMib = memoryMib();
    expect((await run(gateway, 'loud', 'head -c 200M /dev/zero | tr "\\0" x')).length).toBeLessThan(
      4 * 1024 * 1024,
    );
    expect(memoryMib() - beforeMib).toBeLessThan(100);
    await expectOthersWell('loud');
  });
});
