/** What the options of setup.sh do to a cluster, and where the skills come from when nodes do not have them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProvider } from '../../packages/client/src/index.ts';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { type RunOptions, run } from '../cluster/command.ts';
import { gatewayImage, sandboxImage } from '../cluster/paddock-images.ts';
import { apply } from '../cluster/pods.ts';
import { kubeconfigOfAccount } from './accounts.ts';
import { untilServing } from './cli.ts';
import { pushImageOf } from './own-image.ts';
import { runSetup } from './setup.ts';
import { builderPath } from './setup-builder.ts';
import { hasNamespace, startUntouched, tracesIn } from './setup-traces.ts';

const name = `options-${process.pid}`;
const otherGateway = 'own/gateway:1';
let cluster: Cluster;
let place: string;
const hidden: string[] = [];

beforeAll(async () => {
  place = mkdtempSync(join(tmpdir(), 'options-'));
  cluster = await startUntouched(name);
  await pushImageOf(cluster, otherGateway, `FROM docker.io/${gatewayImage}\n`);
  await makeVolume('copied');
});

afterAll(async () => {
  await endCluster(name);
  for (const folder of [place, ...hidden]) rmSync(folder, { recursive: true });
});

/** Runs setup.sh, which must succeed. */
async function setup(args: readonly string[], options: RunOptions = {}) {
  const { exitCode, stdout, stderr } = await runSetup(cluster, args, options);
  expect(exitCode, stderr).toBe(0);
  return { stdout, stderr };
}

/** A field of an object, or of each of a list. */
async function field(namespace: string, what: readonly string[], path: string): Promise<string> {
  return await cluster.kubectlRun(['get', ...what, '-n', namespace, '-o', `jsonpath=${path}`]);
}

/** `kubectl port-forward` to the Service, until disposed of. */
async function forward(namespace: string): Promise<AsyncDisposable & { readonly port: string }> {
  const target = ['port-forward', '--namespace', namespace, 'svc/deer-flow-sandbox', ':8080'];
  const child = spawn(cluster.kubectl, [`--kubeconfig=${cluster.kubeconfig}`, ...target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  return {
    port: /127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? '',
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, 'close');
    },
  };
}

/** Has the sandbox that callers share run a command. @returns its answer */
async function execute(port: string, command: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/shell/exec`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ command }),
  });
  const text = await answer.text();
  return { status: answer.status, output: JSON.parse(text).data?.output as string | undefined };
}

describe.concurrent('setup.sh', { timeout: 300_000 }, () => {
  it('--dry-run changes nothing, and what it prints can be applied', async () => {
    const args = ['--namespace=plan', '--auth', '--replicas=2', `--gateway-image=${otherGateway}`];
    const { stdout, stderr } = await setup([...args, '--dry-run']);
    expect(stderr).toContain('Nothing is changed. This would be applied to namespace plan:');
    expect(await hasNamespace(cluster, 'plan')).toBe(false);
    await cluster.kubectlRun(['apply', '--filename=-'], { input: stdout });
    await untilServing(cluster, 'plan', 'pool');
    const image = '{.spec.replicas} {.spec.template.spec.containers[0].image}';
    expect(await field('plan', ['deployment', 'deer-flow-gateway'], image)).toBe(`2 ${otherGateway}`);
    expect(await field('plan', ['deployment', 'deer-flow-sandbox'], image)).toBe(`2 ${sandboxImage}`);
    await using forwarded = await forward('plan');
    expect((await execute(forwarded.port, 'true')).status).toBe(401);
    await cluster.kubectlRun(['delete', 'namespace', 'plan', '--wait=false']);
  });

  it('--auth asks callers for a key, and the lines that it prints bring it along; --recycle replaces what they share', async () => {
    const { stdout } = await setup(['--namespace=keyed', '--auth']);
    await using forwarded = await forward('keyed');
    expect((await execute(forwarded.port, 'true')).status).toBe(401);

    const printed = stdout.replaceAll('127.0.0.1:8080', `127.0.0.1:${forwarded.port}`);
    const outside = printed.slice(printed.indexOf('For a backend on this machine'));
    const line = /^ {2}(export SANDBOX_URL=.*)$/m.exec(outside)?.[1] ?? '';
    const config = /^ {2}sandbox:\n( {4}.*\n)+/m.exec(outside)?.[0] ?? '';
    const path = join(place, 'config.yaml');
    writeFileSync(path, config);
    const env = {
      KUBECONFIG: cluster.kubeconfig,
      PATH: `${join(cluster.kubectl, '..')}:${process.env.PATH}`,
    };
    const SANDBOX_URL = (await run(['bash', '-c', `${line}; printf %s "$SANDBOX_URL"`], { env })).stdout;
    const provider = await loadProvider(path, { env: { SANDBOX_URL } });
    const id = await provider.acquire('talk');
    const said = await provider.get(id)?.shell.exec({ command: 'echo by the printed lines' });
    expect(said).toMatchObject({ output: 'by the printed lines\n' });
    await provider.release(id);
    // What every HTTP client does with it, curl for one.
    const curl = ['curl', '-sS', '-d', '{"command":"hostname"}', '-H', 'content-type: application/json'];
    const shared = JSON.parse((await run([...curl, `${SANDBOX_URL}/v1/shell/exec`])).stdout);
    expect(shared.data.exit_code).toBe(0);

    const again = ['--namespace=keyed', '--recycle', '--replicas=2', `--gateway-image=${otherGateway}`];
    const { stderr } = await setup(again);
    expect(stderr).toContain('callers are asked for a key, as before');
    expect(stderr).toContain('deployment.apps/deer-flow-gateway changed');
    expect(stderr).toContain('deer-flow-sandbox: 2 of 2 ready');
    expect(stderr).toMatch(/the sandbox that callers share .* is a new one/);
    const image = '{.spec.template.spec.containers[0].image}';
    expect(await field('keyed', ['deployment', 'deer-flow-gateway'], image)).toBe(otherGateway);
    await using later = await forward('keyed');
    const key = decodeURIComponent(new URL(SANDBOX_URL).password);
    expect((await execute(later.port, 'true')).status).toBe(401);
    const now = await execute(later.port, 'hostname', { 'x-api-key': key });
    expect(now.status).toBe(200);
    expect(now.output).not.toBe(shared.data.output);
    await setup(['--namespace=keyed', '--cleanup']);
    expect(await hasNamespace(cluster, 'keyed')).toBe(false);
  });

  it('--push puts the images into a registry, and pods run them from there', async () => {
    const registry = `${cluster.registry}/team`;
    using builder = builderPath(cluster);
    const env = { PATH: builder.path };
    const plan = await setup(['--namespace=pushed', '--push', registry, '--dry-run'], { env });
    expect(plan.stdout).toContain(`image: ${registry}/${sandboxImage}\n`);
    const { stderr } = await setup(['--namespace=pushed', '--push', registry], { env });
    expect(stderr).toContain(`pushing ${registry}/${sandboxImage}`);
    const images = await field('pushed', ['pods'], '{.items[*].spec.containers[*].image}');
    expect(new Set(images.split(' '))).toEqual(
      new Set([`${registry}/${sandboxImage}`, `${registry}/${gatewayImage}`]),
    );
    await setup(['--namespace=pushed', '--cleanup']);
    expect(await hasNamespace(cluster, 'pushed')).toBe(false);
  });

  it('is content with the rights of one namespace where the rest was applied for it', async () => {
    const plan = await setup(['--namespace=granted', '--dry-run']);
    const wide = plan.stdout.split(/^---$/m).slice(0, 2).join('---');
    await cluster.kubectlRun(['apply', '--filename=-'], { input: wide });
    const metadata = { name: 'sandboxes', namespace: 'granted' };
    const rules = [{ apiGroups: ['paddock.dev'], resources: ['*'], verbs: ['*'] }];
    // So that it may grant them: an admin of a namespace has some of these to look at only.
    const held = [
      { apiGroups: ['coordination.k8s.io', 'events.k8s.io'], resources: ['*'], verbs: ['*'] },
      { apiGroups: [''], resources: ['events'], verbs: ['*'] },
      { apiGroups: ['apps'], resources: ['replicasets'], verbs: ['*'] },
    ];
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata };
    await apply(cluster, { ...role, rules: [...rules, ...held] });
    const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
    const KUBECONFIG = await kubeconfigOfAccount(
      cluster,
      place,
      'admin-of-one',
      { kind: 'RoleBinding', metadata, roleRef: roleRef('Role', 'sandboxes') },
      {
        kind: 'RoleBinding',
        metadata: { name: 'admin', namespace: 'granted' },
        roleRef: roleRef('ClusterRole', 'admin'),
      },
    );
    const { stderr } = await setup(['--namespace=granted'], { env: { KUBECONFIG } });
    expect(stderr).toContain('left as it is: you may not change namespaces and definitions');
    expect(stderr).toContain('the sandbox sees the skills of this folder');
    await setup(['--namespace=granted', '--cleanup'], { env: { KUBECONFIG } });
    const left = await tracesIn(cluster, 'granted');
    expect(left.filter((object) => !/\/(sandboxes|admin)$/.test(object))).toEqual([]);
  });
});

describe.concurrent('skills that nodes do not have', { timeout: 300_000 }, () => {
  it('are copied to a claim, again when they have changed, and are what every sandbox sees', async () => {
    const skills = hiddenFolder();
    mkdirSync(join(skills, "it's one"));
    writeFileSync(join(skills, "it's one/SKILL.md"), 'first\n');
    writeFileSync(join(skills, 'old'), 'old\n');
    const args = ['--namespace=copied', '--skills-path', skills];
    const first = await setup(args);
    expect(first.stderr).toContain(
      'the nodes do not have these files; sandboxes take the skills from the claim',
    );
    expect(first.stderr).toMatch(
      /the claim has the same files\n.*the sandbox sees the skills of this folder/s,
    );
    await using forwarded = await forward('copied');
    const show = 'cd /mnt/skills && find . -type f | sort | xargs -d "\\n" grep -H . ; touch new';
    const seen = await execute(forwarded.port, show);
    expect(seen.output).toMatch(
      /^\.\/it's one\/SKILL\.md:first\r?\n\.\/old:old\r?\ntouch: .*Read-only file system/,
    );

    writeFileSync(join(skills, "it's one/SKILL.md"), 'second\n');
    rmSync(join(skills, 'old'));
    mkdirSync(join(skills, 'old'));
    writeFileSync(join(skills, 'old/.hidden'), 'hidden\n');
    await setup(args);
    // The same sandbox as before.
    const later = await execute(forwarded.port, show);
    expect(later.output).toMatch(/^\.\/it's one\/SKILL\.md:second\r?\n\.\/old\/\.hidden:hidden\r?\ntouch: /);
    await setup(['--namespace=copied', '--cleanup']);
    expect(await hasNamespace(cluster, 'copied')).toBe(false);
  });

  it('are waited for where the claim gets no volume, which is told early', async () => {
    const skills = hiddenFolder();
    const args = ['--namespace=waiting', '--skills-path', skills];
    const { exitCode, stderr } = await runSetup(cluster, [...args, '--timeout=30']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^ {2}! the pod that copies the skills waits: FailedScheduling: .*PersistentVolumeClaims/m,
    );
    expect(stderr).toMatch(/^error: the pod that copies the skills does not start: FailedScheduling: /m);
    expect(stderr).toMatch(/^hint: the claim of the skills has no volume: see skills-pv-pvc\.yaml\.bak$/m);
    expect(stderr).not.toContain('does not know');
    await setup(['--namespace=waiting', '--cleanup']);
    expect(await hasNamespace(cluster, 'waiting')).toBe(false);
  });
});

/** A default StorageClass, and the one volume that it has, for a namespace's claim, as a provisioner would make it. */
async function makeVolume(namespace: string): Promise<void> {
  const path = '/var/lib/volumes/skills';
  await cluster.run(['mkdir', '--parents', '--mode=0777', path]);
  await cluster.run(['chmod', '0777', path]);
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  await apply(
    cluster,
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'folders', annotations },
      provisioner: 'kubernetes.io/no-provisioner',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'skills' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'folders',
        claimRef: { namespace, name: 'deer-flow-skills' },
        hostPath: { path, type: 'Directory' },
      },
    },
  );
}

/** A folder that the node does not have: its /var/lib is its own. Not at its top, where the test of clusters looks for what they leave. */
function hiddenFolder(): string {
  const folder = mkdtempSync('/var/lib/misc/paddock-skills-');
  hidden.push(folder);
  return folder;
}
