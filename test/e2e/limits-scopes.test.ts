/**
 * Limits for a gateway that may not make control groups: its user's service manager does. It runs where one is there,
 * as in the session of a user; in containers and for root there is none.
 */
import { execFileSync } from 'node:child_process';
import { findProgram } from '@paddock/config/machine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descendants, gone } from '../support/descendants.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { python, spawnMany } from '../support/python.ts';

describe.skipIf(process.getuid?.() === 0 || !hasServiceManager())('a sandbox of a user with systemd', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    const limits = { PADDOCK_MEMORY_LIMIT_MIB: '160', PADDOCK_PROCESS_LIMIT: '80' };
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', ...limits });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const run = (id: string, program: string) => python(gateway, id, program);

  it('has limits, and nobody is told that it has none', () => {
    expect(gateway.child.errors).not.toContain('no limit of');
  });

  it('loses the program that takes too much memory, and nothing else', async () => {
    expect(await run('hungry', 'x = bytearray(400 * 1024 * 1024); print(len(x))')).toMatchObject({
      exit_code: 137,
      stdout: '',
    });
    expect(await run('hungry', 'print("alive")')).toMatchObject({ exit_code: 0, stdout: 'alive\n' });
    expect(gateway.child.errors).not.toContain('a sandbox server ended');
  });

  it('sees nothing of the environment of what started it', async () => {
    const seen = await run('curious', 'print(open("/proc/1/environ").read())');
    expect(seen.stdout).not.toMatch(/PADDOCK_|SKILLS_PATH|PATH=/);
  });

  it('cannot have more processes than it may', async () => {
    expect((await run('crowded', spawnMany)).stdout).toBe('Resource temporarily unavailable\nTrue\n');
  });

  it('leaves no process and no scope when the gateway is killed', async () => {
    await using killed = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
    const below = descendants(killed.child.pid);
    expect(below.length).toBeGreaterThan(0);
    process.kill(killed.child.pid, 'SIGKILL');
    await gone(below);
  });
});

function hasServiceManager(): boolean {
  const systemdRun = findProgram('systemd-run');
  if (!systemdRun) return false;
  try {
    execFileSync(systemdRun, ['--user', '--scope', '--quiet', '--collect', 'true'], {
      stdio: 'ignore',
      timeout: 10_000,
    });
    return true;
  } catch {
    return false;
  }
}
