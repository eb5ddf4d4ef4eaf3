/** What one sandbox may use. Control groups need root, as CI has; elsewhere the gateway says that there are no limits. */
import { accessSync, constants, existsSync } from 'node:fs';
import { Gateway as Client, Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { python, spawnMany } from '../support/python.ts';

const roots = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].filter((root) => existsSync(root));

describe.skipIf(!roots.some(isWritable))('a sandbox with limits', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const limits = { PADDOCK_MEMORY_LIMIT_MIB: '160', PADDOCK_PROCESS_LIMIT: '80', PADDOCK_CPU_LIMIT: '0.5' };
    const templates = {
      PADDOCK_TEMPLATES: JSON.stringify({ roomy: { memoryLimitMib: 700, processLimit: 300 } }),
    };
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', ...limits, ...templates });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const run = (id: string, program: string) => python(gateway, id, program);

  it('loses the program that takes too much memory, and nothing else', async () => {
    const shell = new Sandbox({ baseUrl: gateway.url, id: 'hungry' }).shell;
    await shell.exec({ id: 's', command: 'kept=yes' });
    expect(await run('hungry', 'x = bytearray(400 * 1024 * 1024); print(len(x))')).toMatchObject({
      exit_code: 137,
      stdout: '',
    });
    expect((await shell.exec({ id: 's', command: 'echo $kept' })).output).toBe('yes\n');
  });

  it('cannot have more processes than it may', async () => {
    expect((await run('crowded', spawnMany)).stdout).toBe('Resource temporarily unavailable\nTrue\n');
  });

  it('has those of its template, as far as that has any', async () => {
    const client = new Client({ baseUrl: gateway.url });
    await client.sandboxes.create({ sandbox_id: 'roomy', template: 'roomy' });
    const program = 'x = bytearray(400 * 1024 * 1024); print(len(x))';
    expect((await run('roomy', program)).stdout).toBe(`${400 * 1024 * 1024}\n`);
    expect((await run('roomy', 'x = bytearray(900 * 1024 * 1024)')).exit_code).toBe(137);
  });

  it('gets its share of a processor and no more', async () => {
    const spin =
      'import time; start = time.monotonic()\nwhile time.process_time() < 0.5: pass\nprint(time.monotonic() - start)';
    expect(Number((await run('busy', spin)).stdout)).toBeGreaterThan(0.8);
  });
});

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
