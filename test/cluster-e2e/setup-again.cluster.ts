/** setup.sh more than once: after Ctrl-C, over what is there already, over the deployment that users had before; and --cleanup. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { apply } from '../cluster/pods.ts';
import { skills } from './cli.ts';
import { runSetup } from './setup.ts';
import { hasNamespace, interruptSetup, startUntouched, tracesIn } from './setup-traces.ts';

const name = `again-${process.pid}`;
let cluster: Cluster;
let temporary: string;

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'again-'));
  cluster = await startUntouched(name);
});

afterAll(async () => {
  await endCluster(name);
  rmSync(temporary, { recursive: true });
});

/** Runs setup.sh, which must succeed. @returns what it said */
async function setup(...args: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await runSetup(cluster, args);
  expect(exitCode, stderr).toBe(0);
  return stderr;
}

/** Interrupts setup.sh, which must say so and stop. @returns what it said */
async function interrupt(args: readonly string[], when: RegExp): Promise<string> {
  const { exitCode, stdout, stderr } = await interruptSetup(cluster, args, when, { TMPDIR: temporary });
  expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 130, stdout: '' });
  expect(stderr).toMatch(/^interrupted\. Run the same again to go on, or \.\/setup\.sh --cleanup/m);
  expect(stderr).not.toMatch(/^error: /m);
  return stderr;
}

/** A field of an object, or of each of a list. */
async function field(namespace: string, what: readonly string[], path: string): Promise<string> {
  return await cluster.kubectlRun(['get', ...what, '-n', namespace, '-o', `jsonpath=${path}`]);
}

/** What tells a later version of each object that setup.sh applies from an earlier one. */
async function versions(namespace: string): Promise<string> {
  const kinds = 'deployments,services,serviceaccounts,roles,rolebindings,networkpolicies';
  const each =
    '{range .items[*]}{.kind}/{.metadata.name} {.metadata.uid} {.metadata.generation} {.spec}{"\\n"}{end}';
  return await field(namespace, [kinds], each);
}

describe('setup.sh that is interrupted', { timeout: 300_000 }, () => {
  it('goes on where it was, and then works', async () => {
    await interrupt([], /namespace\/deer-flow made/);
    await interrupt([], /^▸ Images .*\n/m);
    // No pod stays that was to try images.
    expect(await tracesIn(cluster, 'deer-flow')).toEqual([]);
    await interrupt([], /^▸ Waiting until/m);
    const said = await setup();
    expect(said).toContain('the sandbox sees the skills of this folder');
    expect(await field('deer-flow', ['sandboxes'], '{.items[*].spec.id}')).toBe('');
  });

  it('leaves no sandbox of its own trial when that is interrupted', async () => {
    await interrupt([], /GET \/v1\/sandbox answers 200/);
    expect(await field('deer-flow', ['sandboxes'], '{.items[*].spec.id}')).toBe('');
  });
});

describe('setup.sh that is run again', { timeout: 300_000 }, () => {
  it('changes nothing and says so', async () => {
    const before = await versions('deer-flow');
    const pods = await field('deer-flow', ['pods'], '{.items[*].metadata.uid}');
    const startMs = performance.now();
    const said = await setup();
    console.log(`setup.sh over what is up to date: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    expect(said.match(/✓ up to date$/gm)).toHaveLength(3);
    expect(said).not.toMatch(/ (made|changed)$/m);
    expect(await versions('deer-flow')).toBe(before);
    // The trial took one pod, and gave it back.
    const later = (await field('deer-flow', ['pods'], '{.items[*].metadata.uid}')).split(' ');
    expect(later.filter((uid) => pods.includes(uid)).length).toBeGreaterThanOrEqual(2);
  });

  it('keeps how many sandboxes somebody asked for', async () => {
    await cluster.kubectlRun(['scale', 'deployment/deer-flow-sandbox', '-n', 'deer-flow', '--replicas=2']);
    expect(await setup()).toContain('deer-flow-sandbox: 2 of 2 ready');
    expect(await setup('--replicas=1')).toContain('deployment.apps/deer-flow-sandbox changed');
    expect(await field('deer-flow', ['deployment', 'deer-flow-sandbox'], '{.spec.replicas}')).toBe('1');
  });
});

describe('setup.sh --cleanup', { timeout: 300_000 }, () => {
  const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mine', namespace: 'deer-flow' } };

  it('with --dry-run says what would go, and changes nothing', async () => {
    await apply(cluster, foreign);
    const before = await tracesIn(cluster, 'deer-flow');
    const said = await setup('--cleanup', '--crd', '--dry-run');
    const gone = Array.from(said.matchAll(/^ {4}would remove (\S+)/gm), ([, object]) => object);
    expect(new Set(gone).size).toBe(gone.length);
    expect(gone).toEqual(
      expect.arrayContaining([
        ...['deployment/deer-flow-sandbox', 'deployment/deer-flow-gateway', 'secret/paddock-keys'],
        ...['configmap/paddock-keys', 'lease.coordination.k8s.io/paddock-gateway'],
        ...['namespace/deer-flow', 'crd/sandboxes.paddock.dev'],
      ]),
    );
    expect(await tracesIn(cluster, 'deer-flow')).toEqual(before);
  });

  it("can be interrupted and run again; what is somebody else's stays, and the namespace with it", async () => {
    await interrupt(['--cleanup'], /deployment\/deer-flow-sandbox removed/);
    await interrupt(['--cleanup'], /configmap\/paddock-keys removed|service\/\S+ removed/);
    const said = await setup('--cleanup');
    expect(said).toMatch(/^ {2}! namespace deer-flow stays: other things are in it\n {6}configmap\/mine$/m);
    expect(await tracesIn(cluster, 'deer-flow')).toEqual(['configmap/mine']);
  });

  it('removes the namespace that it made once that is empty', async () => {
    await cluster.kubectlRun(['delete', 'configmap/mine', '-n', 'deer-flow']);
    expect(await setup('--cleanup')).toMatch(/^ {4}namespace\/deer-flow removed$/m);
    expect(await hasNamespace(cluster, 'deer-flow')).toBe(false);
    expect(await setup('--cleanup')).toContain('there is no namespace deer-flow');
  });

  it('with --crd removes the definition of sandboxes when there is none on the whole cluster', async () => {
    const definition = async () =>
      await cluster.kubectlRun(['get', 'crd', 'sandboxes.paddock.dev', '--ignore-not-found', '-o', 'name']);
    expect(await definition()).not.toBe('');
    await apply(cluster, {
      apiVersion: 'paddock.dev/v1alpha1',
      kind: 'Sandbox',
      metadata: { name: 'one', namespace: 'default' },
      spec: { id: 'one' },
    });
    expect(await setup('--cleanup', '--crd')).toMatch(
      /definition of sandboxes stays: there are some in other/,
    );
    expect(await definition()).not.toBe('');
    await cluster.kubectlRun(['delete', 'sandbox/one', '-n', 'default']);
    expect(await setup('--cleanup', '--crd')).toMatch(/crd\/sandboxes\.paddock\.dev removed/);
    expect(await definition()).toBe('');
  });
});

describe("setup.sh in somebody else's namespace", { timeout: 300_000 }, () => {
  const metadata = {
    name: 'theirs',
    labels: { team: 'a', 'app.kubernetes.io/part-of': 'shop', 'pod-security.kubernetes.io/warn': 'baseline' },
  };

  it('goes there when told to, takes nothing from it, and leaves it as it was', async () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata };
    await apply(cluster, namespace);
    const args = ['--namespace=theirs', '--replicas=0'];
    const { exitCode, stderr } = await runSetup(cluster, args);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^error: namespace theirs is there, and somebody else made it\nhint: .*--allow-namespace/m,
    );
    expect(await tracesIn(cluster, 'theirs')).toEqual([]);
    await setup(...args, '--allow-namespace', '--recycle');
    const labels = async () =>
      JSON.parse(await field('theirs', ['namespace', 'theirs'], '{.metadata.labels}'));
    expect(await labels()).toMatchObject(metadata.labels);
    // It was let in once.
    await interrupt(args, /^▸ Images/m);
    expect(await setup(...args, '--cleanup')).toContain(
      'namespace theirs stays: this script did not make it',
    );
    expect(await tracesIn(cluster, 'theirs')).toEqual([]);
    const { 'kubernetes.io/metadata.name': _, ...left } = await labels();
    expect(left).toEqual(metadata.labels);
    expect(
      await field('theirs', ['namespace', 'theirs'], '{.metadata.annotations.paddock\\.dev/used-by}'),
    ).toBe('');
  });
});

describe('setup.sh over the deployment of earlier guides', { timeout: 300_000 }, () => {
  it('replaces its Service without an address and its Deployment after saying so, also when interrupted', async () => {
    const labels = { app: 'deer-flow-sandbox', 'app.kubernetes.io/component': 'sandbox' };
    const metadata = { name: 'deer-flow-sandbox', namespace: 'deer-flow', labels };
    const template = {
      metadata: { labels },
      spec: {
        containers: [{ name: 'sandbox', image: 'elsewhere/all-in-one:1', ports: [{ containerPort: 8080 }] }],
        volumes: [{ name: 'skills', hostPath: { path: skills, type: 'Directory' } }],
      },
    };
    await apply(
      cluster,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'deer-flow' } },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { clusterIP: 'None', selector: { app: 'deer-flow-sandbox' }, ports: [{ port: 8080 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { replicas: 1, selector: { matchLabels: labels }, template },
      },
    );
    await interrupt([], /the earlier Deployment deer-flow-sandbox is replaced/);
    await interrupt(
      [],
      /the earlier Service deer-flow-sandbox, which has no address of its own, is replaced/,
    );
    const said = await setup();
    expect(said).toMatch(/^ {4}service\/deer-flow-sandbox made$/m);
    expect(await field('deer-flow', ['service', 'deer-flow-sandbox'], '{.spec.clusterIP}')).toMatch(/^\d/);
    const path = '{.spec.selector.matchLabels} {.spec.template.spec.containers[*].image}';
    const deployment = await field('deer-flow', ['deployment', 'deer-flow-sandbox'], path);
    expect(deployment).toBe('{"app":"deer-flow-sandbox"} paddock/sandbox:0.1.0');
    expect(await field('deer-flow', ['pods'], '{.items[*].spec.containers[*].image}')).not.toContain(
      'elsewhere',
    );
    expect(await setup('--cleanup')).toContain('namespace deer-flow stays: this script did not make it');
    expect(await tracesIn(cluster, 'deer-flow')).toEqual([]);
  });
});
