/** What `paddock doctor` says of a cluster, where all is well and where one thing is broken. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait.ts';
import { kubeconfigOfAccount } from './accounts.ts';
import { broken } from './broken.ts';
import { diagnose, install, paddock, skills, startWithImages, untilServing } from './cli.ts';

const name = `doctor-${process.pid}`;
/** The namespace where nothing is broken. */
const well = 'well';
let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-doctor-'));
  cluster = await startWithImages(name);
  await Promise.all(
    [well, ...broken.map(({ namespace }) => namespace)].map((namespace) => {
      return install(
        cluster,
        namespace,
        broken.find((one) => one.namespace === namespace),
      );
    }),
  );
  await untilServing(cluster, well, 'pool');
});

afterAll(async () => {
  await endCluster(name);
  rmSync(folder, { recursive: true });
});

describe('paddock doctor, on a cluster where all is well', () => {
  it('finds nothing to mend', { timeout: 120_000 }, async () => {
    const { exitCode, checks } = await diagnose(cluster, well, ['--skills', skills]);
    const others = Object.entries(checks).filter(([, { status }]) => status !== 'ok');
    expect(others).toEqual([]);
    expect(exitCode).toBe(0);
    expect(checks.isolation?.message).toMatch(
      /^enforced: a sandbox reaches DNS, and not API server .+ gateway /,
    );
    expect(checks.pids?.message).toContain('1024');
    expect(checks.skills?.message).toContain('the same as here');
    expect(checks.backends?.message).toContain('paddock.dev/client=true');
  });

  it('leaves nothing behind', { timeout: 60_000 }, async () => {
    await waitFor({ what: 'the sandbox of doctor is gone', timeoutMs: 30_000 }, async () => {
      return (await cluster.kubectlRun(['get', 'sandboxes', '--namespace', well, '--output=name'])) === '';
    });
  });

  it('tells skills that differ from those of a folder', { timeout: 60_000 }, async () => {
    writeFileSync(join(folder, 'SKILL.md'), '');
    const { exitCode, checks } = await diagnose(cluster, well, ['--skills', folder]);
    expect(checks.skills).toMatchObject({ status: 'fail', message: expect.stringContaining('SKILL.md') });
    expect(exitCode).toBe(1);
  });

  it('names a backend that is not let in, and how to let it in', { timeout: 60_000 }, async () => {
    const url = `--env=BASE_URL=http://deer-flow-sandbox.${well}.svc.cluster.local:8080`;
    await cluster.kubectlRun([
      'run',
      'backend',
      '--image=paddock/gateway:0.1.0',
      url,
      '--command',
      '--',
      'sleep',
      '3600',
    ]);
    const { checks } = await diagnose(cluster, well);
    expect(checks.backends).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('pod backend of namespace default'),
      hint: expect.stringContaining('kubectl label namespace default paddock.dev/client=true'),
    });
  });

  it('prints a line a check for people', { timeout: 60_000 }, async () => {
    const { stdout } = await paddock(cluster, ['doctor', '--namespace', well]);
    expect(stdout).toMatch(/^ok {4}kubectl {13}v1\..*\nok {4}cluster /);
  });
});

describe('paddock doctor', () => {
  it.each(broken)('tells $what', { timeout: 180_000 }, async ({ namespace, says }) => {
    let told = '';
    const saying = { what: `doctor says so of ${namespace}`, timeoutMs: 120_000, explain: () => told };
    const diagnosis = await waitFor(saying, async () => {
      const found = await diagnose(cluster, namespace);
      told = JSON.stringify(found, null, 2);
      const fits = Object.entries(says).every(([check, [status, message]]) => {
        return found.checks[check]?.status === status && message.test(found.checks[check].message);
      });
      return fits && found;
    });
    const failing = Object.values(diagnosis.checks).filter(({ status }) => status === 'fail');
    expect(diagnosis.exitCode).toBe(failing.length > 0 ? 1 : 0);
    expect(failing.filter(({ hint }) => !hint)).toEqual([]);
  });

  it('tells a namespace that there is not', { timeout: 60_000 }, async () => {
    const { exitCode, checks } = await diagnose(cluster, 'nope');
    expect(checks.namespace).toMatchObject({ status: 'fail', hint: expect.stringContaining('setup.sh') });
    expect(checks.pool?.status).toBe('skip');
    expect(exitCode).toBe(1);
  });

  it('tells a context that there is not', async () => {
    const { exitCode, checks } = await diagnose(cluster, well, ['--context', 'nope']);
    expect(checks.cluster).toMatchObject({ status: 'fail', hint: expect.stringContaining('get-contexts') });
    expect(exitCode).toBe(1);
  });

  it('tells a machine without kubectl', async () => {
    const { exitCode, checks } = await diagnose(cluster, well, [], { env: { PATH: folder } });
    expect(checks.kubectl).toMatchObject({ status: 'fail', hint: expect.stringContaining('https://') });
    expect(exitCode).toBe(1);
  });

  it('tells a user of few rights what is denied, and skips what it may not see', {
    timeout: 60_000,
  }, async () => {
    const env = { E2E_KUBECONFIG: await kubeconfigOf('visitor', ['get', 'list'], 'services,pods') };
    const { checks, exitCode } = await diagnose(cluster, well, [], { env });
    expect(checks.permissions).toMatchObject({
      status: 'fail',
      message: expect.stringMatching(/not use it: denied in well are create pods\/portforward/),
    });
    expect(checks.quota).toMatchObject({ status: 'skip', message: expect.stringContaining('forbidden') });
    expect(checks['gateway permissions']?.status).toBe('skip');
    expect(checks.probe).toMatchObject({ status: 'fail', hint: expect.stringContaining('pods/portforward') });
    expect(exitCode).toBe(1);
  });

  it('tells policies that are not there', { timeout: 60_000 }, async () => {
    await cluster.kubectlRun(['delete', 'networkpolicy', 'deer-flow-gateway', '--namespace=empty']);
    const { checks } = await diagnose(cluster, 'empty');
    expect(checks.policies).toMatchObject({ status: 'fail', message: expect.stringContaining('gateway') });
  });

  it('tells a cluster that enforces no NetworkPolicies', { timeout: 120_000 }, async () => {
    const system = '--namespace=kube-system';
    await cluster.kubectlRun(['delete', 'daemonset', 'kube-network-policies', system, '--wait=true']);
    await waitFor({ what: 'doctor sees it', timeoutMs: 60_000 }, async () => {
      const { checks } = await diagnose(cluster, well);
      return checks.isolation?.status === 'fail' && checks.isolation.message.includes('API server');
    });
  });

  it('tells a cluster that does not know sandboxes', { timeout: 60_000 }, async () => {
    await cluster.kubectlRun(['delete', 'customresourcedefinition', 'sandboxes.paddock.dev']);
    const { checks } = await diagnose(cluster, well);
    expect(checks.definition).toMatchObject({
      status: 'fail',
      hint: expect.stringContaining('namespace.yaml'),
    });
    expect(checks.sandbox?.status).not.toBe('ok');
  });
});

/** Of an account of its own, that may do only this in the namespace where all is well. */
async function kubeconfigOf(account: string, verbs: readonly string[], resources: string): Promise<string> {
  const can = [`--verb=${verbs.join(',')}`, `--resource=${resources}`];
  await cluster.kubectlRun(['create', 'role', account, `--namespace=${well}`, ...can]);
  return await kubeconfigOfAccount(cluster, folder, account, {
    kind: 'RoleBinding',
    metadata: { name: account, namespace: well },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
  });
}
