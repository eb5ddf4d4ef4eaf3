/** What setup.sh says where it cannot do what it is for: before it changes anything, and where sandboxes do not get ready. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import type { Finished, RunOptions } from '../cluster/command.ts';
import { apply } from '../cluster/pods.ts';
import { kubeconfigOfAccount, kubeconfigWith } from './accounts.ts';
import { skills } from './cli.ts';
import { pushImageOf } from './own-image.ts';
import { runSetup } from './setup.ts';
import { images, problems } from './setup-problems.ts';
import { editedGuide, hasNamespace, startUntouched, tracesIn } from './setup-traces.ts';

const name = `refusals-${process.pid}`;
const smaller = {
  'sandbox-service.yaml': (yaml: string) =>
    yaml.replace('replicas: 2', 'replicas: 1').replace('cpu: 100m', 'cpu: 10m'),
  'sandbox-deployment.yaml': (yaml: string) => yaml.replace('cpu: 100m', 'cpu: 10m'),
};
let cluster: Cluster;
let place: string;
/** The guide's folder with manifests that need less of the node. */
let small: string;

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'refusals-'));
  small = editedGuide(place, smaller);
  cluster = await startUntouched(name);
  for (const [tag, dockerfile] of Object.entries(images)) await pushImageOf(cluster, tag, dockerfile);
  // So that the cases start side by side with images that are there.
  const first = await setup(['--namespace', 'well']);
  expect(first.exitCode, first.stderr).toBe(0);
});

afterAll(async () => {
  await endCluster(name);
  rmSync(place, { recursive: true });
});

/** Runs setup.sh of the edited guide. */
function setup(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runSetup(cluster, ['--skills-path', skills, ...args], { cwd: small, ...options });
}

/** What it says when it fails, which it must. */
async function failure(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await setup(args, options);
  expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toMatch(/^error: /m);
  expect(stderr).toMatch(/^hint: /m);
  expect(stderr).not.toContain('does not know');
  return stderr;
}

describe.concurrent('setup.sh, before it changes anything', { timeout: 180_000 }, () => {
  it('says that kubectl is not installed', async () => {
    const PATH = join(place, 'bin');
    mkdirSync(PATH);
    for (const program of ['bash', 'sed', 'dirname', 'mktemp', 'rm', 'cat', 'tail', 'tr'])
      symlinkSync(join('/usr/bin', program), join(PATH, program));
    expect(await failure(['--namespace=none'], { env: { PATH } })).toContain('kubectl is not installed');
  });

  it('says that a cluster does not answer, and which context that is', async () => {
    const closed = '--server=https://127.0.0.1:1';
    const gone = await kubeconfigWith(cluster, place, ['set-cluster', 'paddock', closed]);
    const wrong = await kubeconfigWith(
      cluster,
      place,
      ['set-cluster', 'other', closed],
      ['set-context', 'elsewhere', '--cluster=other', '--user=admin'],
      ['use-context', 'elsewhere'],
    );
    for (const [KUBECONFIG, context] of [
      [gone, 'paddock'],
      [wrong, 'elsewhere'],
    ] as const)
      for (const args of [[], ['--cleanup'], ['--dry-run']]) {
        const said = await failure(args, { env: { KUBECONFIG } });
        expect(said).toMatch(
          new RegExp(`^error: the cluster of the context '${context}' does not answer: .*refused`, 'm'),
        );
        expect(said).toContain('kubectl config use-context NAME');
      }
  });

  it('says which rights are missing, also to clean up', async () => {
    const KUBECONFIG = await kubeconfigOfAccount(cluster, place, 'looker', {
      kind: 'ClusterRoleBinding',
      metadata: { name: 'looker' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
    });
    const said = await failure(['--namespace=none'], { env: { KUBECONFIG } });
    expect(said).toMatch(/^error: you may not do this in namespace none: .*create deployments\.apps/m);
    expect(said).toMatch(/create namespaces/);
    expect(await hasNamespace(cluster, 'none')).toBe(false);
    const cleanup = await failure(['--namespace=well', '--cleanup'], { env: { KUBECONFIG } });
    expect(cleanup).toMatch(/^error: not all of namespace well can be looked at: .*secrets.*forbidden/m);
    expect(cleanup).not.toMatch(/ removed$/m);
  });

  it('says that the folder of skills is not there', async () => {
    const said = await failure(['--namespace=none', '--skills-path=/no/such']);
    expect(said).toMatch(/^error: the skills folder \/no\/such does not exist$/m);
    expect(await hasNamespace(cluster, 'none')).toBe(false);
  });

  it('says that a namespace is being deleted', async () => {
    const metadata = { name: 'keeps', namespace: 'ending', finalizers: ['example.com/keeps'] };
    await apply(
      cluster,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ending' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata },
    );
    await cluster.kubectlRun(['delete', 'namespace', 'ending', '--wait=false']);
    expect(await failure(['--namespace=ending'])).toMatch(/^error: namespace ending is being deleted$/m);
  });

  it.each([
    ['Service', { ports: [{ port: 80 }], selector: { app: 'shop' } }],
    ['Deployment', { selector: { matchLabels: { app: 'shop' } }, template: podTemplate('shop') }],
  ])("leaves alone a %s of its names that is somebody else's", async (kind, spec) => {
    const namespace = `shop-${kind.toLowerCase()}`;
    await apply(
      cluster,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      {
        apiVersion: kind === 'Service' ? 'v1' : 'apps/v1',
        kind,
        metadata: { name: 'deer-flow-sandbox', namespace, labels: { app: 'shop' } },
        spec: { replicas: kind === 'Service' ? undefined : 0, ...spec },
      },
    );
    const found = `${kind.toLowerCase()} deer-flow-sandbox in namespace ${namespace} belongs to something else`;
    const before = await tracesIn(cluster, namespace);
    expect(await failure(['--namespace', namespace, '--allow-namespace'])).toContain(`error: ${found}\n`);
    const { exitCode } = await setup(['--namespace', namespace, '--cleanup']);
    expect(exitCode).toBe(0);
    expect(await tracesIn(cluster, namespace)).toEqual(before);
  });

  it('leaves alone an account of its name', async () => {
    const metadata = { name: 'deer-flow-gateway', namespace: 'shop-account' };
    await apply(
      cluster,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop-account' } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
    );
    const said = await failure(['--namespace=shop-account', '--allow-namespace']);
    expect(said).toMatch(
      /^error: serviceaccount deer-flow-gateway is there, and belongs to something else$/m,
    );
    expect(await tracesIn(cluster, 'shop-account')).toEqual(['serviceaccount/deer-flow-gateway']);
  });
});

describe.concurrent('setup.sh, when it tries the images', { timeout: 180_000 }, () => {
  it.each([
    [
      'an image that there is not',
      'own/missing:1',
      /the nodes cannot get own\/missing:1: .*not found$/m,
      /--push REGISTRY/,
    ],
    [
      'an image that is built on another',
      'own/debian:1',
      /own\/debian:1 is not built FROM paddock\/sandbox/,
      /FROM paddock\/sandbox and keeps its user and its start/,
    ],
    [
      'an image that holds no system',
      'own/scratch:1',
      /own\/scratch:1 cannot be started: .*\/bin\/sh/,
      /FROM paddock\/sandbox/,
    ],
  ])('refuses %s, and --cleanup leaves nothing', async (_, image, why, hint) => {
    const namespace = `image-${image.replace(/\W/g, '-')}`;
    const said = await failure(['--namespace', namespace, '--image', image]);
    expect(said).toMatch(why);
    expect(said).toMatch(hint);
    expect(await tracesIn(cluster, namespace)).toEqual([]);
    const { exitCode, stderr } = await setup(['--namespace', namespace, '--cleanup']);
    expect(exitCode, stderr).toBe(0);
    expect(await hasNamespace(cluster, namespace)).toBe(false);
  });

  it('says that the quota is full', async () => {
    await space('full', { pods: '0' });
    const said = await failure(['--namespace=full', '--allow-namespace']);
    expect(said).toMatch(/^error: no pod can be made to try the images with: .*exceeded quota/m);
    expect(said).toMatch(/^hint: the namespace's quota is full: kubectl describe quota --namespace full/m);
  });

  it('says that a namespace refuses folders of its nodes, where no volume can stand in', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await apply(cluster, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels } });
    const said = await failure(['--namespace=strict', '--allow-namespace']);
    expect(said).toMatch(
      /^error: this namespace refuses pods that use folders of their node, and .* no default StorageClass/m,
    );
  });
});

describe.concurrent('setup.sh, when sandboxes do not get ready', { timeout: 300_000 }, () => {
  it.each(problems)('says early and at the end that $what', async (problem) => {
    const { args, early, why, hint, quota, edit } = problem;
    const namespace = `problem-${problem.what.replace(/\W+/g, '-')}`;
    if (quota) await space(namespace, quota);
    const options = edit ? { cwd: editedGuide(place, { ...smaller, 'sandbox-deployment.yaml': edit }) } : {};
    const startMs = performance.now();
    const said = await failure(['--namespace', namespace, ...args], options);
    console.log(`${problem.what}: said after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    expect(said).toMatch(early);
    expect(said.indexOf('error: ')).toBeGreaterThan(said.search(early));
    expect(said).toMatch(why);
    expect(said).toMatch(hint);
    const { exitCode, stderr } = await setup(['--namespace', namespace, '--cleanup']);
    expect(exitCode, stderr).toBe(0);
    if (quota) expect(await tracesIn(cluster, namespace)).toEqual([]);
    else expect(await hasNamespace(cluster, namespace), stderr).toBe(false);
  });
});

/** A namespace that somebody made, with a quota. */
async function space(namespace: string, hard: Readonly<Record<string, string>>): Promise<void> {
  await apply(
    cluster,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few', namespace }, spec: { hard } },
  );
}

function podTemplate(app: string) {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'shop:1' }] } };
}
