/** What a gateway makes of a machine that fails it: it says so once, and goes on when the cause is gone. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { descendants } from '../support/descendants.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const quick = { PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' };

/** As long as the pool waits at most before its third attempt, and a start. */
const recoveryLimitMs = 10_000;

describe('a gateway', () => {
  it('goes on when its disk is full, and makes sandboxes again once there is room', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'full-'));
    const script = 'mount -t tmpfs -o size=4m tmpfs "$PADDOCK_DATA_DIR" && exec "$@"';
    const launcher = ['unshare', '--mount', ...becomeRoot(), 'sh', '-c', script, 'sh'];
    try {
      await using gateway = await startGateway({ ...quick, PADDOCK_DATA_DIR: dataDir }, launcher);
      expect((await exec(gateway, 'early', 'echo kept > note')).status).toBe(200);
      const data = join('/proc', String(gateway.child.pid), 'root', dataDir);
      await poolFilled(gateway);
      fill(join(data, 'filler'));

      await failsAsSaid(gateway, 'ENOSPC');
      expect((await exec(gateway, 'early', 'cat note')).body).toContain('kept');

      rmSync(join(data, 'filler'));
      await recovered(gateway);
      expect((await exec(gateway, 'early', 'cat note')).body).toContain('kept');
      const folders = readdirSync(join(data, 'sandboxes'));
      // What failed left nothing behind: one that is used, one that was claimed now, one that is warm.
      expect(folders.length).toBeLessThanOrEqual(3);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('goes on without descriptors left, and makes sandboxes again once there are some', async () => {
    const launcher = ['sh', '-c', 'ulimit -n 80 && exec "$@"', 'sh'];
    await using gateway = await startGateway({ ...quick, PADDOCK_WARM_SANDBOXES: '0' }, launcher);
    const made: string[] = [];
    let answer = await create(gateway, 'n0');
    while (answer.status === 200 && made.length < 80) {
      made.push(`n${made.length}`);
      answer = await create(gateway, `n${made.length}`);
    }
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'sandbox_failed' });
    expect(answer.body).toContain('EMFILE');
    expect(made.length).toBeGreaterThan(2);

    // A server that ends now is seen to, without a descriptor for it.
    const [victim] = servers(gateway);
    if (victim === undefined) throw new Error('there is no server');
    process.kill(victim, 'SIGKILL');
    await until(() => gateway.child.errors.includes('a sandbox server ended'));
    gateway.child.assertRunning();

    for (const id of made.slice(0, 3)) await gateway.connection.call('DELETE', `/api/sandboxes/${id}`);
    expect((await create(gateway, 'again')).status).toBe(200);
    expect((await exec(gateway, 'again', 'echo works')).body).toContain('works');
    gateway.child.assertRunning();
  });

  it('replaces a warm server that dies, and says so once', async () => {
    await using gateway = await startGateway(quick);
    const before = new Set(servers(gateway));
    expect(before.size).toBe(1);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until(() => servers(gateway).some((pid) => !before.has(pid)));
    expect((await exec(gateway, 'next', 'echo works')).body).toContain('works');
    expect(count(gateway.child.errors, 'a warm sandbox server ended')).toBe(1);
  });

  it('says why when bubblewrap fails, and goes on when it works again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bwrap-'));
    const broken = join(folder, 'broken');
    const script = `#!/bin/sh\nif [ -e ${broken} ]; then echo "bwrap: out of order" >&2; exit 1; fi\nexec /usr/bin/bwrap "$@"\n`;
    writeFileSync(join(folder, 'bwrap'), script, { mode: 0o755 });
    try {
      await using gateway = await startGateway({ ...quick, PATH: `${folder}:${process.env.PATH}` });
      writeFileSync(broken, '');
      expect((await create(gateway, 'warm')).status).toBe(200); // It was started before.
      await failsAsSaid(gateway, 'bwrap: out of order');
      // The pool found out as well, and goes on trying.
      await until(() => count(gateway.child.errors, 'for the warm pool') === 1);
      const probe = await gateway.connection.send('GET', '/v1/sandbox');
      expect(probe.status).toBe(503);
      expect(probe.body).toContain('bwrap: out of order');
      rmSync(broken);
      await recovered(gateway);
      await until(() => count(gateway.child.errors, 'sandbox servers can be started again') === 1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function exec(gateway: Gateway, id: string, command: string) {
  return gateway.connection.send('POST', '/v1/bash/exec', { command }, { 'x-sandbox-id': id });
}

function create(gateway: Gateway, id: string) {
  return gateway.connection.send('POST', '/api/sandboxes', { sandbox_id: id });
}

/** No sandbox can be made, the answer says why, and the log has it once, however often it is tried. */
async function failsAsSaid(gateway: Gateway, reason: string): Promise<void> {
  for (const id of ['x', 'y', 'z']) {
    const { status, body } = await create(gateway, `fails-${id}`);
    expect(status, body).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ code: 'sandbox_failed' });
    expect(body).toContain(reason);
  }
  gateway.child.assertRunning();
  expect(count(gateway.child.errors, 'for the warm pool')).toBeLessThanOrEqual(1);
}

/** Sandboxes can be made again, and the pool fills by itself. */
async function recovered(gateway: Gateway): Promise<void> {
  const { status, body } = await create(gateway, 'recovered');
  expect(status, body).toBe(200);
  expect((await exec(gateway, 'recovered', 'echo works')).body).toContain('works');
  await poolFilled(gateway);
  expect(count(gateway.child.errors, 'for the warm pool')).toBeLessThanOrEqual(1);
}

/** There is a server that no sandbox has. */
async function poolFilled(gateway: Gateway): Promise<void> {
  await until(async () => {
    const { count: claimed } = (await gateway.connection.call('GET', '/api/sandboxes')) as { count: number };
    return servers(gateway).length > claimed;
  });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + recoveryLimitMs;
  while (!(await holds())) {
    if (performance.now() > giveUpMs) throw new Error('it does not come to hold');
    await delay(20);
  }
}

/** The sandbox servers below a gateway. */
function servers(gateway: Gateway): number[] {
  const isServer = ({ line }: { line: string }) => line.startsWith('/opt/paddock/bin/node ');
  return descendants(gateway.child.pid)
    .filter(isServer)
    .map(({ pid }) => pid);
}

/** Writes until there is no room left, not for a byte. */
function fill(file: string): void {
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }
}

/** Options of unshare for a user who may not mount. */
function becomeRoot(): string[] {
  return process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}
