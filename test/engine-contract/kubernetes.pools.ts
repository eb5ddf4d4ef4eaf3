/**
 * Pools that are empty, broken, or a template's, on a real cluster. It runs where pods can be reached: kubernetes.cluster.ts
 * starts it there.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { soleOwner } from '../../packages/gateway/src/trust/index.ts';
import { runToEnd } from '../cluster/command.ts';
import { longest, refusal, run, startOn } from './kubernetes.calls.ts';
import { PoolNamespace } from './kubernetes.fixture.ts';
import { poolName } from './kubernetes.manifests.ts';

const namespace = new PoolNamespace(`pools-${Date.now()}`);
const healthy = 'research';
const paddock = join(import.meta.dirname, '../../packages/cli/src/main.ts');

beforeAll(async () => {
  await namespace.createReady(0);
  await namespace.addPool({ template: healthy });
});
afterAll(() => namespace[Symbol.asyncDispose]());

describe('an empty pool', () => {
  afterAll(async () => {
    await namespace.clear();
    await namespace.scale(0);
    await namespace.untilEmpty();
  });

  it('is no matter to a gateway that may make pods', async () => {
    await using gateway = await startOn(namespace);
    expect((await run(gateway, 'cold', 'echo served')).stdout).toBe('served\n');
  });

  it('is told at once by one that may not', async () => {
    await using gateway = await startOn(namespace, { PADDOCK_POOL_POLICY: 'fail' });
    const refused = await refusal(gateway, { sandbox_id: 'refused' });
    expect(refused).toMatchObject({
      status: 429,
      headers: { 'retry-after': expect.any(String) },
      code: 'pool_empty',
      message: expect.stringContaining('the Deployment deer-flow-sandbox is scaled to 0'),
      hint: expect.stringContaining('kubectl scale'),
    });
    expect((await namespace.sandboxes()).map(({ id }) => id)).not.toContain('refused');
  });

  it('is waited upon by one that shall, which says meanwhile what it waits for', async () => {
    await using gateway = await startOn(namespace, {
      PADDOCK_POOL_POLICY: 'wait',
      PADDOCK_CREATE_TIMEOUT_SECONDS: '1',
    });
    const probe = await gateway.connection.send('GET', '/v1/sandbox');
    expect(probe.status).toBe(503);
    expect(probe.body).toContain('scaled to 0');
    expect(await refusal(gateway, { sandbox_id: 'patient' })).toMatchObject({
      status: 503,
      code: 'sandbox_starting',
      message: expect.stringContaining('scaled to 0'),
    });
    await namespace.scale(1);
    await vi.waitFor(async () => {
      const answer = await gateway.connection.send('GET', '/api/sandboxes/patient');
      expect(answer.status).toBe(200);
    }, longest);
  });
});

const skillsMount = { name: 'skills', mountPath: '/mnt/skills' };

/** What is wrong with a pool, by the name of its template, and what is said of it and of the way out. */
const broken = {
  'no-image': {
    differs: { image: 'paddock/sandbox:missing' },
    says: /pod no-image-sandbox-\S+: (ErrImagePull|ImagePullBackOff): .*missing/,
    hint: 'The nodes cannot get the image',
  },
  'no-node': {
    differs: { pod: { nodeSelector: { no: 'such' } } },
    says: /Unschedulable: 0\/1 nodes are available/,
    hint: 'No node takes the pod',
  },
  'no-folder': {
    differs: { container: { volumeMounts: [skillsMount] }, pod: { volumes: [nowhere()] } },
    says: /FailedMount: .*hostPath type check failed/,
    hint: 'The node has no such folder',
  },
  ending: {
    differs: { container: { command: ['/bin/false'] } },
    says: /its container ended: exit code 1/,
    hint: 'kubectl logs --previous says why',
  },
  mute: {
    differs: { container: { command: ['/bin/sleep', '3600'] } },
    says: /Startup probe failed/,
    hint: 'GET /v1/sandbox is not answered',
  },
  full: {
    differs: { container: { resources: ofThing(1) } },
    says: /exceeded quota: things/,
    hint: "The namespace's quota is full",
  },
} as const;

describe('a pool whose pods do not start', () => {
  beforeAll(async () => {
    const quota = { hard: { 'requests.example.com/thing': '0' } };
    const metadata = { name: 'things' };
    await namespace.add('resourcequotas', { apiVersion: 'v1', kind: 'ResourceQuota', metadata, spec: quota });
    for (const [template, { differs }] of Object.entries(broken))
      await namespace.addPool({ template, ...differs });
  });
  afterAll(async () => {
    for (const template of Object.keys(broken)) await namespace.deletePool(poolName(template));
  });

  it('has its reason told to whoever waits for it: in answers and in lists, with a way out', async () => {
    await using gateway = await startOn(namespace, {
      PADDOCK_POOL_POLICY: 'wait',
      PADDOCK_CREATE_TIMEOUT_SECONDS: '2',
    });
    await Promise.all(
      Object.entries(broken).map(async ([template, { says, hint }]) => {
        const ask = { sandbox_id: `waiting-${template}`, template };
        await vi.waitFor(async () => {
          const refused = await refusal(gateway, ask);
          expect(refused).toMatchObject({ status: 503, code: 'sandbox_starting' });
          expect(refused.message).toMatch(says);
          expect(refused.hint).toContain(hint);
        }, longest);
        const query = `/api/sandboxes?status=Pending&template=${template}`;
        const listed = pending.parse(await gateway.connection.call('GET', query));
        expect(listed.sandboxes[0]?.reason).toMatch(says);
      }),
    );
    const { stdout } = await runToEnd([process.execPath, paddock, '--url', gateway.url, 'status']);
    expect(stdout).toMatch(/^ {2}waiting-no-node {2}Pending {2}pod no-node-sandbox-\S+: Unschedulable/m);
  });

  it('has its reason told at once by a gateway that does not wait', async () => {
    await using gateway = await startOn(namespace, { PADDOCK_POOL_POLICY: 'fail' });
    const refused = await refusal(gateway, { sandbox_id: 'at-once', template: 'no-image' });
    expect(refused).toMatchObject({ status: 429, code: 'pool_empty' });
    expect(refused.message).toMatch(broken['no-image'].says);
    await using maker = await startOn(namespace);
    const unmade = await refusal(maker, { sandbox_id: 'unmade', template: 'full' });
    expect(unmade).toMatchObject({ status: 503, code: 'sandbox_failed' });
    expect(unmade.message).toMatch(broken.full.says);
    expect(unmade.hint).toContain(broken.full.hint);
  });

  it.each([
    ['wait', 2_000],
    ['cold', 12_000], // Until the node has tried to pull the image for a pod that is new.
  ] as const)(
    'has its reason told when a claim gives up that was to %s',
    async (poolPolicy, startLimitMs) => {
      const { engine } = await namespace.openEngine({ poolPolicy, startLimitMs });
      await engine.start();
      try {
        const id = `late-${poolPolicy}`;
        const claim = { name: sandboxName(soleOwner, id), id, owner: soleOwner, template: 'no-image' };
        await expect(engine.claim(claim)).rejects.toMatchObject({
          code: 'sandbox_failed',
          message: expect.stringMatching(/(ErrImagePull|ImagePullBackOff): .*missing/),
          hint: expect.stringContaining('The nodes cannot get the image'),
        });
        expect((await namespace.sandboxes()).map((sandbox) => sandbox.id)).not.toContain(id);
      } finally {
        await engine[Symbol.asyncDispose]();
      }
    },
  );

  it('has its reason written on Sandboxes that were declared, until they have a pod', async () => {
    await using _gateway = await startOn(namespace, { PADDOCK_POOL_POLICY: 'wait' });
    await namespace.declare('declared', { template: 'no-node' });
    await namespace.declare('mistyped', { template: 'reserch' });
    await namespace.declare('well', { template: healthy });
    await vi.waitFor(async () => {
      expect(await namespace.sandbox('declared')).toMatchObject({
        phase: 'Pending',
        reason: expect.stringContaining('Unschedulable'),
      });
      expect(await namespace.sandbox('mistyped')).toMatchObject({
        phase: 'Pending',
        reason: expect.stringContaining('paddock.dev/template=reserch'),
      });
      const well = await namespace.sandbox('well');
      expect(well.phase).toBe('Bound');
      expect(well.reason).toBeUndefined();
    }, longest);
    await namespace.clear();
  });
});

describe('a template on a cluster', () => {
  it('is the pool of the Deployment that has its name as a label, warm pods first, then cold ones', async () => {
    await using gateway = await startOn(namespace, { PADDOCK_TEMPLATES: '{"plain":{}}' });
    const hosts: string[] = [];
    for (const id of ['first', 'second']) {
      await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: id, template: healthy });
      hosts.push((await run(gateway, id, 'hostname')).stdout.trim());
    }
    for (const host of hosts) expect(host).toMatch(new RegExp(`^${poolName(healthy)}-`));
    const found = await gateway.connection.call('GET', '/api/sandboxes/first');
    expect(found).toMatchObject({ template: healthy, status: 'Running' });
    // One that only the configuration knows is made as those without a template.
    await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: 'third', template: 'plain' });
    expect((await run(gateway, 'third', 'hostname')).stdout).toMatch(/^deer-flow-sandbox-/);
  });

  it('that does not exist is refused, with the names of those that do; one is found once it is made', async () => {
    await using gateway = await startOn(namespace);
    const refused = await refusal(gateway, { sandbox_id: 'unknown', template: 'later' });
    expect(refused).toMatchObject({ status: 422, code: 'template_unknown' });
    expect(refused.hint).toContain(healthy);
    await namespace.addPool({ template: 'later', replicas: 0 });
    await vi.waitFor(async () => {
      const created = await gateway.connection.call('POST', '/api/sandboxes', {
        sandbox_id: 'later',
        template: 'later',
      });
      expect(created).toMatchObject({ status: 'Running', template: 'later' });
    }, longest);
    await namespace.deletePool(poolName('later'));
    await vi.waitFor(async () => {
      expect((await namespace.sandboxes()).map(({ id }) => id)).not.toContain('later');
    }, longest);
  });
});

describe('a gateway that has served', () => {
  it('answers the probe until what new sandboxes are made from is broken, then says what that is', async () => {
    await using gateway = await startOn(namespace);
    await run(gateway, 'served', 'true');
    const probe = () => gateway.connection.send('GET', '/v1/sandbox');
    expect((await probe()).status).toBe(200);
    const containers = [{ name: 'sandbox', image: 'paddock/sandbox:missing' }];
    await namespace.changePool({ replicas: 1, template: { spec: { containers } } });
    await vi.waitFor(async () => {
      const { status, body } = await probe();
      expect(status).toBe(503);
      expect(body).toMatch(/(ErrImagePull|ImagePullBackOff): .*missing/);
    }, longest);
    expect((await run(gateway, 'served', 'echo still')).stdout).toBe('still\n');
  });
});

const pending = z.object({ sandboxes: z.array(z.object({ reason: z.optional(z.string()) })) });

function nowhere() {
  return { name: 'skills', hostPath: { path: '/nowhere', type: 'Directory' } };
}

function ofThing(count: number) {
  const things = { 'example.com/thing': String(count) };
  return { requests: things, limits: things };
}
