/** Keys, mounts and ends of sandboxes on a real cluster. It runs where pods can be reached: kubernetes.cluster.ts starts it there. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ClusterKeys } from '../../packages/gateway/src/engines/kubernetes/index.ts';
import { longest, refusal, run, startOn } from './kubernetes.calls.ts';
import { PoolNamespace } from './kubernetes.fixture.ts';

const namespace = new PoolNamespace(`lives-${Date.now()}`);

/** A command that ends when it is told to, and what tells it. */
const untilTold = 'until [ -e /tmp/go ]; do sleep 0.1; done; echo done';
const tell = 'touch /tmp/go';

/** Where sandboxes may be idle for 2 s, with the time that a leader takes to look. */
const longerThanIdleMs = 4_000;

beforeAll(() => namespace.createReady(2));
afterAll(() => namespace[Symbol.asyncDispose]());

describe('the keys of the gateways', () => {
  it('are replaced in steps: a new one is made known before it signs, an old one is forgotten after', async () => {
    // None of its pods would know a key so soon.
    await using elsewhere = new PoolNamespace(`keys-${Date.now()}`);
    await elsewhere.create(0);
    const options = {
      client: elsewhere.client,
      namespace: elsewhere.name,
      log: pino({ level: 'silent' }),
      isLeader: () => true,
      rotateAfterSeconds: 3,
      spreadSeconds: 1,
      tokenLifeSeconds: 0,
      lookEveryMs: 200,
    };
    using keys = await ClusterKeys.open(options);
    const signer = () => keys.key.token('proxy', 'any').split('.')[0];
    const old = signer();
    expect(await elsewhere.publicKeyIds()).toEqual([old]);
    await vi.waitFor(async () => expect(await elsewhere.publicKeyIds()).toHaveLength(2), longest);
    expect(signer()).toBe(old);
    await vi.waitFor(() => expect(signer()).not.toBe(old), longest);
    const next = signer();
    await vi.waitFor(async () => expect(await elsewhere.publicKeyIds()).not.toContain(old), longest);
    expect(await elsewhere.publicKeyIds()).toContain(next);
  });

  it('are the same for gateways that start at once', async () => {
    await using elsewhere = new PoolNamespace(`keys-${Date.now()}`);
    await elsewhere.create(0);
    const opened = await Promise.all(Array.from({ length: 5 }, () => elsewhere.openEngine()));
    const signers = opened.map(({ key }) => key.token('bind', 'any').split('.')[0]);
    expect(new Set(signers).size).toBe(1);
    expect(await elsewhere.publicKeyIds()).toEqual([signers[0]]);
    await Promise.all(opened.map(({ engine }) => engine[Symbol.asyncDispose]()));
  });
});

describe('folders of nodes', () => {
  it('are mounted where the configuration allows it, links and all, and named where not', async () => {
    const root = mkdtempSync(join(tmpdir(), 'mounts-'));
    try {
      chmodSync(root, 0o755);
      mkdirSync(join(root, 'shared'));
      writeFileSync(join(root, 'shared/note'), 'here');
      symlinkSync('/etc', join(root, 'out'));
      await using gateway = await startOn(namespace, { PADDOCK_MOUNT_ROOTS: root });
      const created = await gateway.connection.call('POST', '/api/sandboxes', {
        sandbox_id: 'mounting',
        extra_mounts: [
          { host_path: join(root, 'shared'), container_path: '/mnt/acp-workspace', read_only: true },
          { host_path: '/etc', container_path: '/mnt/integrations/a' },
          { host_path: `${root}/../etc`, container_path: '/mnt/integrations/b' },
        ],
      });
      expect(created).toMatchObject({
        warnings: [
          expect.stringContaining('/mnt/integrations/a'),
          expect.stringContaining('/mnt/integrations/b'),
        ],
      });
      const look = 'cat /mnt/acp-workspace/note; touch /mnt/acp-workspace/x 2>&1; ls /mnt/integrations 2>&1';
      const { stdout } = await run(gateway, 'mounting', look);
      expect(stdout).toMatch(/^here/);
      expect(stdout).toContain('Read-only file system');
      expect(stdout).toContain('No such file');

      const outside = [{ host_path: join(root, 'out'), container_path: '/mnt/acp-workspace' }];
      await using impatient = await startOn(namespace, {
        PADDOCK_MOUNT_ROOTS: root,
        PADDOCK_CREATE_TIMEOUT_SECONDS: '2',
      });
      await vi.waitFor(async () => {
        const refused = await refusal(impatient, { sandbox_id: 'escaping', extra_mounts: outside });
        expect(refused).toMatchObject({ status: 503, code: 'sandbox_starting' });
        expect(refused.message).toContain('failed to prepare subPath');
      }, longest);
    } finally {
      await namespace.clear();
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('a gateway that leads', () => {
  it('ends idle sandboxes of all gateways, but not those where a command runs', async () => {
    const settings = { PADDOCK_IDLE_SECONDS: '2' };
    await using one = await startOn(namespace, settings);
    await using other = await startOn(namespace, settings);
    const busy = run(other, 'busy', untilTold);
    await run(other, 'idle', 'true');
    await run(one, 'idle-too', 'true');
    await vi.waitFor(async () => {
      expect((await namespace.sandboxes()).map(({ id }) => id)).toEqual(['busy']);
    }, longest);
    await delay(longerThanIdleMs);
    expect((await namespace.sandboxes()).map(({ id }) => id)).toEqual(['busy']);
    await run(one, 'busy', tell);
    expect((await busy).stdout).toBe('done\n');
    await vi.waitFor(async () => expect(await namespace.sandboxes()).toEqual([]), longest);
  });

  it('ends sandboxes at their maximum age, which is written on them', async () => {
    await using gateway = await startOn(namespace, { PADDOCK_MAX_LIFE_SECONDS: '5' });
    await run(gateway, 'old', 'true');
    const { expiresAt } = await namespace.sandbox('old');
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeLessThan(5_000);
    await vi.waitFor(async () => expect(await namespace.sandboxes()).toEqual([]), longest);
  });
});

describe('the sandbox that callers share who name none', () => {
  it('is replaced after a rollout once nobody uses it, by one of the new template, which says so', async () => {
    await using one = await startOn(namespace, { PADDOCK_IDLE_SECONDS: '2' });
    await using other = await startOn(namespace, { PADDOCK_IDLE_SECONDS: '2' });
    const before = await run(one, undefined, 'hostname');
    // Longer than others may be idle: without a newer template it is kept.
    await run(one, 'ended-meanwhile', 'true');
    await vi.waitFor(async () => {
      expect((await namespace.sandboxes()).map(({ id }) => id)).toEqual(['default']);
    }, longest);

    const busy = run(other, undefined, untilTold);
    await namespace.rollOut();
    await delay(longerThanIdleMs);
    expect((await namespace.sandboxes()).map(({ id }) => id)).toEqual(['default']);
    expect((await run(one, undefined, `${tell}; hostname`)).stdout).toBe(before.stdout);
    expect((await busy).stdout).toBe('done\n');

    await vi.waitFor(async () => expect(await namespace.sandboxes()).toEqual([]), longest);
    const after = await run(other, undefined, 'hostname');
    expect(after.stdout).not.toBe(before.stdout);
    expect(after.hint).toContain('has ended');
    expect((await run(one, undefined, 'hostname')).stdout).toBe(after.stdout);
  });
});
