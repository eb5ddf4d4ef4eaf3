/** Two gateways on one namespace of a real cluster. It runs where pods can be reached: kubernetes.cluster.ts starts it there. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { soleOwner } from '../../packages/gateway/src/trust/index.ts';
import type { Gateway } from '../support/gateway.ts';
import { BreakableWay } from './breakable-way.ts';
import { longest, outcomeOf, run, startOn } from './kubernetes.calls.ts';
import { kubeconfigVariable, PoolNamespace } from './kubernetes.fixture.ts';

const namespace = new PoolNamespace(`gateways-${Date.now()}`);

/** How many sandboxes wait in its pool, while nobody takes any, and how many when a case begins. */
const poolSize = 3;
const freeAtFirst = 2;

/** The node's address, which pods reach. */
const nodeAddress = '10.88.0.1';

beforeAll(() => namespace.createReady(poolSize));
afterAll(() => namespace[Symbol.asyncDispose]());

describe('the lead of the gateways', () => {
  it('is handed on when the gateway that has it stops', async () => {
    const { engine: first } = await namespace.openEngine({ identity: 'first' });
    const { engine: second } = await namespace.openEngine({ identity: 'second' });
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

describe('two gateways of one namespace', () => {
  let one: Gateway;
  let other: Gateway;

  beforeAll(async () => {
    [one, other] = await Promise.all([startOn(namespace), startOn(namespace)]);
  });

  afterAll(() => Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]));

  afterEach(async () => {
    await namespace.clear();
    await namespace.untilFree(freeAtFirst);
    for (const gateway of [one, other]) {
      await vi.waitFor(async () => {
        const listed = await gateway.connection.call('GET', '/api/sandboxes?status=any');
        expect(listed).toMatchObject({ count: 0 });
      }, longest);
    }
  });

  it('lead all requests of an id to one pod, however many come at once', async () => {
    const ids = Array.from({ length: poolSize + 1 }, (_, i) => `${i}`);
    const hosts = await Promise.all(
      ids.map(async (id) => {
        const answers = [one, other, one, other].map((gateway) => run(gateway, id, 'hostname'));
        return new Set((await Promise.all(answers)).map(({ stdout }) => stdout));
      }),
    );
    expect(hosts.map(({ size }) => size)).toEqual(ids.map(() => 1));
    expect(new Set(hosts.flatMap((set) => [...set])).size).toBe(ids.length);
    expect((await namespace.sandboxes()).map(({ id }) => id).sort()).toEqual(ids);
    await vi.waitFor(async () => expect(await namespace.claimedPods()).toHaveLength(ids.length), longest);
  });

  it('serve what the other has made: by its path, in the list, and through the provisioner', async () => {
    await run(one, 'made', 'echo here > /mnt/user-data/note');
    const read = { command: 'cat /mnt/user-data/note' };
    const answer = outcomeOf(await other.connection.call('POST', '/s/made/v1/bash/exec', read));
    expect(answer.stdout).toBe('here\n');
    const listed = await other.connection.call('GET', '/api/sandboxes');
    expect(listed).toMatchObject({ count: 1, sandboxes: [{ sandbox_id: 'made', status: 'Running' }] });
    const again = await other.connection.call('POST', '/api/sandboxes', { sandbox_id: 'made' });
    expect(again).toMatchObject({ sandbox_id: 'made', status: 'Running' });
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
    // The gateways hear of it a moment later.
    const next = await vi.waitFor(async () => {
      const answer = await run(one, 'lost', 'hostname');
      expect(answer.stdout).not.toBe(stdout);
      return answer;
    }, longest);
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
    await namespace.declare('half', { podName: free });
    expect((await run(one, 'half', 'hostname')).stdout.trim()).toBe(free);
    await namespace.declare('gone', { podName: 'no-such-pod' });
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

    await namespace.declare('misnamed', {}, '0'.repeat(32));
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
    await using killed = await startOn(namespace);
    await run(killed, 'survivor', 'echo here > /mnt/user-data/note');
    killed.child.process.kill('SIGKILL');
    const { stdout } = await run(other, 'survivor', 'cat /mnt/user-data/note');
    expect(stdout).toBe('here\n');
  });
});

describe('a gateway whose way to the API server is cut', () => {
  it('serves what it knows, says of the rest that it does not know, and catches up', async () => {
    await using way = await BreakableWay.open(process.env[kubeconfigVariable] ?? '');
    await using cutOff = await startOn(namespace, { PADDOCK_KUBECONFIG: way.kubeconfig });
    await using other = await startOn(namespace);
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

const killServer = `p=$PPID
until grep -q main.cjs /proc/$p/cmdline; do p=$(sed -n 's/^PPid:\\t//p' /proc/$p/status); done
kill -9 $p`;
