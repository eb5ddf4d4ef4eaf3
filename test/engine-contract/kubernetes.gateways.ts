/** Two gateways on one namespace of a real cluster. It runs where pods can be reached: kubernetes.cluster.ts starts it there. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { ClusterKeys } from '../../packages/gateway/src/engines/kubernetes/index.ts';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { soleOwner } from '../../packages/gateway/src/trust/index.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { BreakableWay } from './breakable-way.ts';
import { kubeconfigVariable, PoolNamespace, poolSize } from './kubernetes.fixture.ts';

const namespace = new PoolNamespace(`gateways-${Date.now()}`);
const longest = { timeout: 60_000, interval: 100 };

/** The node's address, which pods reach. */
const nodeAddress = '10.88.0.1';

const executed = z.object({
  data: z.object({ stdout: z.string() }),
  hint: z.optional(z.string()),
});

beforeAll(async () => {
  await namespace.create(poolSize);
  const { engine } = await namespace.openEngine(); // Makes the keys that pods wait for.
  await engine[Symbol.asyncDispose]();
  await namespace.untilFree(poolSize);
}, 90_000);
afterAll(() => namespace[Symbol.asyncDispose]());

describe('two gateways of one namespace', () => {
  let one: Gateway;
  let other: Gateway;

  beforeEach(async () => {
    [one, other] = await Promise.all([start(), start()]);
  });

  afterEach(async () => {
    await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    await namespace.clear();
    await namespace.untilFree(poolSize);
  });

  it('lead all requests of an id to one pod, however many come at once', async () => {
    const ids = ['a', 'b', 'c'];
    const hosts = await Promise.all(
      ids.map(async (id) => {
        const answers = [one, other, one, other].map((gateway) => run(gateway, id, 'hostname'));
        return new Set((await Promise.all(answers)).map(({ stdout }) => stdout));
      }),
    );
    expect(hosts.map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(new Set(hosts.flatMap((set) => [...set])).size).toBe(3);
    expect((await namespace.sandboxes()).map(({ id }) => id).sort()).toEqual(ids);
    await vi.waitFor(async () => expect(await namespace.claimedPods()).toHaveLength(3), longest);
  });

  it('serve what the other has made: by its path, in the list, and through the provisioner', async () => {
    await run(one, 'made', 'echo here > /mnt/user-data/note');
    const read = { command: 'cat /mnt/user-data/note' };
    const answer = executed.parse(await other.connection.call('POST', '/s/made/v1/bash/exec', read));
    expect(answer.data.stdout).toBe('here\n');
    const listed = await other.connection.call('GET', '/api/sandboxes');
    expect(listed).toMatchObject({ count: 1, sandboxes: [{ sandbox_id: 'made', status: 'Running' }] });
    const again = await other.connection.call('POST', '/api/sandboxes', { sandbox_id: 'made' });
    expect(again).toMatchObject({ sandbox_id: 'made', status: 'Running' });
  });

  it('answer for what they know without a question to the API server, and for what they do not after one', async () => {
    await run(one, 'known', 'true');
    await one.connection.call('GET', '/api/sandboxes/known');
    const reads = () => namespace.requestCount({ verb: 'GET', resource: 'sandboxes' });
    const before = await reads();
    for (let i = 0; i < 20; i++) await one.connection.call('GET', '/api/sandboxes/known');
    expect((await reads()) - before).toBe(0);
    const { status } = await one.connection.send('GET', '/api/sandboxes/unknown');
    expect(status).toBe(404);
    expect((await reads()) - before).toBe(1);
  });

  it('end what the other has made, for both', async () => {
    const first = await run(one, 'ended', 'hostname');
    await other.connection.call('DELETE', '/api/sandboxes/ended');
    await vi.waitFor(
      async () => expect((await one.connection.send('GET', '/api/sandboxes/ended')).status).toBe(404),
      longest,
    );
    expect((await one.connection.send('GET', '/s/ended/v1/sandbox')).status).toBe(404);
    const second = await run(one, 'ended', 'hostname');
    expect(second.stdout).not.toBe(first.stdout);
    expect(second.hint).toContain('has ended');
  });

  it('replace a sandbox whose pod was deleted, and say why', async () => {
    const { stdout } = await run(one, 'lost', 'hostname');
    await namespace.deletePod(stdout.trim());
    const next = await run(one, 'lost', 'hostname');
    expect(next.stdout).not.toBe(stdout);
    expect(next.hint).toContain('its pod was deleted');
    expect((await run(other, 'lost', 'hostname')).stdout).toBe(next.stdout);
  });

  it('keep a sandbox whose server was killed, with its files, and say so once', async () => {
    await run(one, 'crashed', 'echo here > /mnt/user-data/note');
    await one.connection.send(
      'POST',
      '/v1/bash/exec',
      { command: killServer },
      { 'x-sandbox-id': 'crashed' },
    );
    const again = await vi.waitFor(() => run(other, 'crashed', 'cat /mnt/user-data/note'), longest);
    expect(again).toMatchObject({ stdout: 'here\n', hint: expect.stringContaining('was restarted') });
    expect((await run(other, 'crashed', 'true')).hint).toBeUndefined();
  });

  it('complete what a gateway left behind that died between its two writes', async () => {
    const [free] = await namespace.freePods();
    await namespace.declare('half', free);
    expect((await run(one, 'half', 'hostname')).stdout.trim()).toBe(free);
    await namespace.declare('gone', 'no-such-pod');
    const { stdout } = await run(other, 'gone', 'hostname');
    expect((await run(one, 'gone', 'hostname')).stdout).toBe(stdout);
  });

  it('give a Sandbox that was declared its pod, and refuse one that has the wrong name', async () => {
    await namespace.declare('declared');
    await vi.waitFor(
      async () => expect(await namespace.sandbox('declared')).toMatchObject({ phase: 'Bound' }),
      longest,
    );
    const { podName } = await namespace.sandbox('declared');
    expect((await run(one, 'declared', 'hostname')).stdout.trim()).toBe(podName);

    await namespace.declare('misnamed', undefined, '0'.repeat(32));
    await vi.waitFor(async () => {
      const misnamed = (await namespace.sandboxes()).find(({ id }) => id === 'misnamed');
      expect(misnamed).toMatchObject({ phase: 'Invalid' });
      expect(misnamed?.reason).toContain(sandboxName(soleOwner, 'misnamed'));
    }, longest);
  });

  it("make a claimed pod its Sandbox's in full, so that nodes can be drained", async () => {
    const { stdout } = await run(one, 'owned', 'hostname');
    await vi.waitFor(async () => {
      const owners = await namespace.ownersOf(stdout.trim());
      expect(owners).toMatchObject([{ kind: 'Sandbox', controller: true, blockOwnerDeletion: false }]);
    }, longest);
  });

  it('refuse requests that come from a sandbox', async () => {
    const { port } = new URL(one.url);
    const ask = `node -e "fetch('http://${nodeAddress}:${port}/health').then(async (r) => console.log(r.status, await r.text()))"`;
    const { stdout } = await run(one, 'inside', ask);
    expect(stdout).toContain('403');
    expect(stdout).toContain('peer_refused');
  });

  it('go on when one of them is killed', async () => {
    await run(one, 'survivor', 'echo here > /mnt/user-data/note');
    one.child.process.kill('SIGKILL');
    const { stdout } = await run(other, 'survivor', 'cat /mnt/user-data/note');
    expect(stdout).toBe('here\n');
  });

  it('hand the lead on when the one that has it stops', async () => {
    const { engine: first } = await namespace.openEngine({ identity: 'first' });
    const { engine: second } = await namespace.openEngine({ identity: 'second' });
    await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
    await Promise.all([first.start(), second.start()]);
    const leaders = () => [first, second].filter(({ shared }) => shared.isLeader);
    await vi.waitFor(() => expect(leaders()).toHaveLength(1), longest);
    const [leader] = leaders();
    const follower = leader === first ? second : first;
    await leader?.[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(follower.shared.isLeader).toBe(true), longest);
    await follower[Symbol.asyncDispose]();
  });
});

describe('a gateway whose way to the API server is cut', () => {
  it('serves what it knows, says of the rest that it does not know, and catches up', async () => {
    await using way = await BreakableWay.open(process.env[kubeconfigVariable] ?? '');
    await using cutOff = await start({ PADDOCK_KUBECONFIG: way.kubeconfig });
    await using other = await start();
    await run(cutOff, 'known', 'echo here > /mnt/user-data/note');
    await run(other, 'doomed', 'true');
    await vi.waitFor(async () => {
      const listed = await cutOff.connection.call('GET', '/api/sandboxes');
      expect(listed).toMatchObject({ count: 2 });
    }, longest);

    way.cut();
    expect((await run(cutOff, 'known', 'cat /mnt/user-data/note')).stdout).toBe('here\n');
    const unknown = await cutOff.connection.send('GET', '/api/sandboxes/unknown');
    expect(unknown.status).toBe(503);
    expect(JSON.parse(unknown.body)).toMatchObject({ code: 'engine_unavailable' });
    await other.connection.call('DELETE', '/api/sandboxes/doomed');
    await run(other, 'fresh', 'true');

    way.mend();
    await vi.waitFor(async () => {
      const listed = await cutOff.connection.call('GET', '/api/sandboxes?status=any');
      expect(JSON.stringify(listed)).not.toContain('doomed');
      expect(listed).toMatchObject({ sandboxes: [{ sandbox_id: 'fresh' }, { sandbox_id: 'known' }] });
    }, longest);
  });
});

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
      await using gateway = await start({ PADDOCK_MOUNT_ROOTS: root, PADDOCK_CREATE_TIMEOUT_SECONDS: '20' });
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
      const refused = await gateway.connection.send('POST', '/api/sandboxes', {
        sandbox_id: 'escaping',
        extra_mounts: outside,
      });
      expect(refused.status).toBe(503);
    } finally {
      await namespace.clear();
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe('a gateway that leads', () => {
  it('ends idle sandboxes of all gateways, but not those where a command runs', async () => {
    const settings = { PADDOCK_IDLE_SECONDS: '3' };
    await using one = await start(settings);
    await using other = await start(settings);
    const busy = run(other, 'busy', 'sleep 12; echo done');
    await run(other, 'idle', 'true');
    await run(one, 'idle-too', 'true');
    await vi.waitFor(async () => {
      expect((await namespace.sandboxes()).map(({ id }) => id)).toEqual(['busy']);
    }, longest);
    expect((await busy).stdout).toBe('done\n');
    await vi.waitFor(async () => expect(await namespace.sandboxes()).toEqual([]), longest);
  });

  it('ends sandboxes at their maximum age, which is written on them', async () => {
    await using gateway = await start({ PADDOCK_MAX_LIFE_SECONDS: '5' });
    await run(gateway, 'old', 'true');
    const { expiresAt } = await namespace.sandbox('old');
    expect(Date.parse(expiresAt ?? '') - Date.now()).toBeLessThan(5_000);
    await vi.waitFor(async () => expect(await namespace.sandboxes()).toEqual([]), longest);
  });
});

describe('an empty pool', () => {
  beforeAll(async () => {
    await namespace.clear();
    await namespace.scale(0);
    await namespace.untilFree(0);
  });
  afterAll(() => namespace.clear());

  it('is no matter to a gateway that may make pods', async () => {
    await using gateway = await start();
    expect((await run(gateway, 'cold', 'echo served')).stdout).toBe('served\n');
  });

  it('is told at once by one that may not', async () => {
    await using gateway = await start({ PADDOCK_POOL_POLICY: 'fail' });
    const answer = await gateway.connection.send('POST', '/api/sandboxes', { sandbox_id: 'refused' });
    expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) } });
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'pool_empty' });
    expect((await namespace.sandboxes()).map(({ id }) => id)).not.toContain('refused');
  });

  it('is waited upon by one that shall, which says meanwhile that it starts', async () => {
    await using gateway = await start({
      PADDOCK_POOL_POLICY: 'wait',
      PADDOCK_CREATE_TIMEOUT_SECONDS: '1',
    });
    const probe = await gateway.connection.send('GET', '/v1/sandbox');
    expect(probe.status).toBe(503);
    const first = await gateway.connection.send('POST', '/api/sandboxes', { sandbox_id: 'patient' });
    expect(first.status).toBe(503);
    expect(JSON.parse(first.body)).toMatchObject({ code: 'sandbox_starting' });
    await namespace.scale(1);
    await vi.waitFor(async () => {
      const answer = await gateway.connection.send('GET', '/api/sandboxes/patient');
      expect(answer.status).toBe(200);
    }, longest);
  });
});

/** A gateway's program, on this namespace. */
async function start(settings: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  return startGateway({
    PADDOCK_ENGINE: 'kubernetes',
    PADDOCK_KUBECONFIG: process.env[kubeconfigVariable] ?? '',
    PADDOCK_NAMESPACE: namespace.name,
    PADDOCK_HOST: '0.0.0.0',
    PADDOCK_ALLOW_UNAUTHENTICATED: 'true',
    ...settings,
  });
}

/** Runs a command in the sandbox of an id. */
async function run(gateway: Gateway, id: string, command: string) {
  const headers = { 'x-sandbox-id': id };
  const answer = await gateway.connection.send('POST', '/v1/bash/exec', { command }, headers);
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
  const { data, hint } = executed.parse(JSON.parse(answer.body));
  return { stdout: data.stdout, hint };
}

const killServer = `p=$PPID
until grep -q main.cjs /proc/$p/cmdline; do p=$(sed -n 's/^PPid:\\t//p' /proc/$p/status); done
kill -9 $p`;
