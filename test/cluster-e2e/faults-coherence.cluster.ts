/** What a backend may rely on: which image and skills it gets, that a conversation stays together, that an answer is true. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { type Finished, run } from '../cluster/command.ts';
import { gatewayImage, sandboxImage } from '../cluster/paddock-images.ts';
import { waitFor } from '../cluster/wait.ts';
import { install, startWithImages, untilServing } from './cli.ts';
import { pushImageOf } from './own-image.ts';
import { Service } from './service.ts';
import { guideFolder, runSetup } from './setup.ts';

const name = `coherence-${process.pid}`;
const ownImage = 'example/sandbox:own';
const ownDockerfile = `FROM docker.io/${sandboxImage}
USER 0
RUN echo an image of our own >/etc/own
USER 1000
`;
let cluster: Cluster;
let folder: string;
let setup: Finished;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coherence-'));
  cluster = await startWithImages(name);
  await pushImageOf(cluster, ownImage, ownDockerfile);
  [setup] = await Promise.all([
    runSetup(cluster, ['--image', ownImage, '--replicas', '3']),
    installWithClaim('claimed'),
    install(cluster, 'plain'),
  ]);
  await untilServing(cluster, 'plain', 'pool');
});

afterAll(async () => {
  await endCluster(name);
  rmSync(folder, { recursive: true });
});

describe('what setup.sh makes', () => {
  it('runs the image that --image names, in every pod and behind base_url', async () => {
    expect(setup.exitCode, setup.stderr).toBe(0);
    const images = 'jsonpath={.items[*].spec.containers[*].image}';
    const found = await kubectl('deer-flow', 'get', 'pods', '-l', 'app=deer-flow-sandbox', '-o', images);
    expect(found.split(' ')).toEqual([ownImage, ownImage, ownImage]);
    using service = await Service.open(cluster, 'deer-flow');
    const { data } = await execute(service, 'cat /etc/own');
    expect(data.output).toBe('an image of our own\n');
  });

  it('has an address of its own, which is what its name means', async () => {
    const spec = 'jsonpath={.spec.type} {.spec.clusterIP}';
    const [type, address] = (
      await kubectl('deer-flow', 'get', 'service', 'deer-flow-sandbox', '-o', spec)
    ).split(' ');
    expect(type).toBe('ClusterIP');
    expect(address).toMatch(/^10\.96\./);
    const resolve =
      "require('dns').promises.resolve4('deer-flow-sandbox.deer-flow.svc.cluster.local').then((all) => console.log(...all))";
    const resolved = kubectl(
      'deer-flow',
      'exec',
      'deployment/deer-flow-gateway',
      '--',
      'node',
      '-e',
      resolve,
    );
    expect((await resolved).trim()).toBe(address);
  });

  it('takes skills from a claim as skills-pv-pvc.yaml.bak makes it', async () => {
    await untilServing(cluster, 'claimed', 'pool');
    using service = await Service.open(cluster, 'claimed');
    const look = 'cat /mnt/skills/own/SKILL.md; touch /mnt/skills/x 2>/dev/null || echo read-only';
    expect((await service.run('reader', look)).stdout).toBe('# A skill of our own\nread-only\n');
    const volumes = 'jsonpath={.items[*].spec.volumes[?(@.name=="skills")].persistentVolumeClaim.claimName}';
    const claims = await kubectl('claimed', 'get', 'pods', '-l', 'app=deer-flow-sandbox', '-o', volumes);
    expect(new Set(claims.split(' '))).toEqual(new Set(['deer-flow-skills']));
  });

  it('keeps files and shells of a conversation together, with three replicas, two gateways and many callers', async () => {
    using service = await Service.open(cluster, 'deer-flow');
    for (const id of [undefined, 'talk-1', 'talk-2']) {
      const header = id === undefined ? {} : { 'x-sandbox-id': id };
      const callers = Array.from({ length: 12 }, () => service.connect());
      const hosts = await Promise.all(
        callers.map(async (caller, number) => {
          const file = { file: `/mnt/user-data/workspace/${number}`, content: `from ${number}\n` };
          expect(await caller.send('POST', '/v1/file/write', file, header)).toMatchObject({ status: 200 });
          const shell = { command: `seen_${number}=yes; hostname`, id: 'shared' };
          return JSON.parse((await caller.send('POST', '/v1/shell/exec', shell, header)).body).data.output;
        }),
      );
      expect(new Set(hosts).size, `hosts that ${id ?? 'callers without an id'} met: ${hosts}`).toBe(1);
      const seen = { command: 'cat ? ?? | wc -l; set | grep -c ^seen_', id: 'shared' };
      const counted = JSON.parse((await service.send('POST', '/v1/shell/exec', seen, header)).body);
      expect(counted.data.output).toBe('12\n12\n');
    }
    const claimed = await kubectl('deer-flow', 'get', 'pods', '-l', 'paddock.dev/sandbox', '-o', 'name');
    expect(claimed.trim().split('\n')).toHaveLength(3);
  });

  it('goes by --cleanup, and nothing else does', async () => {
    await kubectl('deer-flow', 'create', 'configmap', 'theirs', '--from-literal=a=b');
    await kubectl('deer-flow', 'create', 'service', 'clusterip', 'theirs', '--tcp=80:80');
    const command = ['--command', '--', 'sleep', '3600'];
    await kubectl('deer-flow', 'run', 'theirs', `--image=${gatewayImage}`, ...command);
    const { exitCode, stdout, stderr } = await runSetup(cluster, ['--cleanup']);
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stderr + stdout).toContain('namespace deer-flow stays: other things are in it');
    const kinds =
      'deployments,pods,services,secrets,configmaps,roles,rolebindings,networkpolicies,leases,sandboxes,serviceaccounts';
    const left = (await kubectl('deer-flow', 'get', kinds, '-o', 'name')).trim().split('\n').sort();
    expect(left).toEqual([
      'configmap/kube-root-ca.crt',
      'configmap/theirs',
      'pod/theirs',
      'service/theirs',
      'serviceaccount/default',
    ]);
    expect(await kubectl('deer-flow', 'get', 'pod/theirs', '-o', 'jsonpath={.status.phase}')).toBe('Running');
  });
});

describe('a gateway', () => {
  const breaks = { 'does not answer': stopApi, 'refuses connections': refuseApi };
  it.each(Object.entries(breaks))(
    'says 503 of what it cannot know while the API server %s, and keeps every sandbox',
    async (how, breakApi) => {
      using service = await Service.open(cluster, 'plain');
      const { stdout: host } = await service.run('known', 'hostname; echo kept > /mnt/user-data/note');
      const unknown = `unknown-${how.length}`;
      {
        await using _broken = await breakApi();
        const asked = Promise.all(
          Object.entries({
            'GET /api/sandboxes/known': 200,
            'GET /s/known/v1/sandbox': 200,
            'GET /api/sandboxes': 200,
            [`GET /api/sandboxes/${unknown}`]: 503,
            [`GET /s/${unknown}/v1/sandbox`]: 503,
            [`DELETE /api/sandboxes/${unknown}`]: 503,
          }).map(async ([request, status]) => {
            const [method = '', path = ''] = request.split(' ');
            const startMs = performance.now();
            const answered = await service.status(method, path);
            // Backends give up after ten seconds.
            const late = performance.now() - startMs > 10_000 ? ', too late' : '';
            return { told: `${request}: ${answered}${late}`, wanted: `${request}: ${status}` };
          }),
        );
        expect((await service.run('known', 'hostname')).stdout).toBe(host);
        const answers = await asked;
        expect(answers.map(({ told }) => told)).toEqual(answers.map(({ wanted }) => wanted));
      }
      await waitFor({ what: 'the gateway knows again what there is not', timeoutMs: 20_000 }, async () => {
        return (await service.status('GET', `/api/sandboxes/${unknown}`)) === 404;
      });
      expect(await service.call('GET', '/api/sandboxes/known')).toMatchObject({ status: 'Running' });
      expect((await service.run('known', 'hostname; cat /mnt/user-data/note')).stdout).toBe(`${host}kept\n`);
    },
  );

  it('never gives out a sandbox that is being deleted', async () => {
    using service = await Service.open(cluster, 'plain');
    const held = (await service.run('held', 'hostname')).stdout.trim();
    {
      await using _hold = await beingDeleted('pod', held);
      expect(await service.status('GET', '/api/sandboxes/held')).toBe(404);
      expect(await service.call('POST', '/api/sandboxes', { sandbox_id: 'held' })).toMatchObject({
        status: 'Running',
      });
      const { stdout, hint } = await service.run('held', 'hostname');
      expect(stdout.trim()).not.toBe(held);
      expect(hint).toContain('its pod was deleted');
    }
    const { stdout: before } = await service.run('stuck', 'hostname');
    {
      const named = 'jsonpath={.items[?(@.spec.id=="stuck")].metadata.name}';
      await using _hold = await beingDeleted('sandbox', await kubectl('plain', 'get', 'sbx', '-o', named));
      // Its name is taken still: there can be no new one yet, and the old one is not it.
      const { status, body } = await service.send('POST', '/api/sandboxes', { sandbox_id: 'stuck' });
      expect(status, body).toBe(503);
      expect(await service.status('GET', '/api/sandboxes/stuck')).toBe(404);
    }
    await waitFor({ what: 'a new one can be made', timeoutMs: 20_000 }, async () => {
      return (await service.send('POST', '/api/sandboxes', { sandbox_id: 'stuck' })).status === 200;
    });
    expect((await service.run('stuck', 'hostname')).stdout).not.toBe(before);
  });

  it('answers 200 for a sandbox only while its pod is there', async () => {
    using service = await Service.open(cluster, 'plain');
    const { stdout } = await service.run('lost', 'hostname');
    await kubectl('plain', 'delete', 'pod', stdout.trim(), '--force', '--grace-period=0');
    const paths = ['/api/sandboxes/lost', '/s/lost/v1/sandbox'];
    await waitFor({ what: 'the gateway hears of it', timeoutMs: 2_000, everyMs: 50 }, async () => {
      return (await service.status('GET', '/s/lost/v1/sandbox')) === 404;
    });
    for (let times = 0; times < 10; times++) {
      const statuses = paths.map((path) => service.status('GET', path));
      expect(await Promise.all(statuses)).toEqual([404, 404]);
    }
    expect(JSON.stringify(await service.call('GET', '/api/sandboxes'))).not.toContain('lost');
    const late = await service.send('POST', '/s/lost/v1/bash/exec', { command: 'hostname' });
    expect(late.status, late.body).toBe(404);
  });
});

function kubectl(namespace: string, ...args: readonly string[]): Promise<string> {
  return cluster.kubectlRun(['--namespace', namespace, ...args]);
}

/** Runs a command as a backend does that names no conversation. */
async function execute(service: Service, command: string) {
  const { body } = await service.send('POST', '/v1/shell/exec', { command });
  return JSON.parse(body);
}

/** Follows the guide for skills from a volume, in a namespace of its own by an overlay. */
async function installWithClaim(namespace: string): Promise<void> {
  const skills = mkdtempSync(join(folder, 'skills-'));
  // Sandboxes are another user.
  chmodSync(skills, 0o755);
  await run(['sh', '-c', `mkdir ${skills}/own && echo '# A skill of our own' >${skills}/own/SKILL.md`]);
  await cluster.kubectlRun(['create', 'namespace', namespace]);
  const volume = readFileSync(join(guideFolder, 'skills-pv-pvc.yaml.bak'), 'utf8')
    .replaceAll('__SKILLS_PATH__', skills)
    .replaceAll('namespace: deer-flow', `namespace: ${namespace}`);
  await cluster.kubectlRun(['apply', '--filename=-'], { input: volume });
  const overlay = mkdtempSync(join(folder, 'overlay-'));
  const kustomization = { namespace, resources: [relative(overlay, guideFolder)] };
  writeFileSync(join(overlay, 'kustomization.yaml'), JSON.stringify(kustomization));
  await cluster.kubectlRun(['apply', '-k', overlay]);
}

/** Stops the API server, as a machine does that hangs. */
async function stopApi(): Promise<AsyncDisposable> {
  const pid = (await cluster.run(['pgrep', '-x', 'kube-apiserver'])).stdout.trim();
  const signal = (which: string) => cluster.run(['kill', `-${which}`, pid]);
  await signal('STOP');
  return { [Symbol.asyncDispose]: async () => void (await signal('CONT')) };
}

/** Has the node refuse the connections of pods to the API server. */
async function refuseApi(): Promise<AsyncDisposable> {
  const rule = ['-p', 'tcp', '--dport', '6443', '-j', 'REJECT', '--reject-with', 'tcp-reset'];
  const change = (how: string) =>
    cluster.run(['iptables', how, 'INPUT', '-s', cluster.addresses.pods, ...rule]);
  await change('-I');
  return { [Symbol.asyncDispose]: async () => void (await change('-D')) };
}

/** Deletes an object that does not go until the end of the scope. */
async function beingDeleted(kind: string, object: string): Promise<AsyncDisposable> {
  const finalizers = async (value: readonly string[]) => {
    const patch = JSON.stringify({ metadata: { finalizers: value } });
    await kubectl('plain', 'patch', kind, object, '--type=merge', '--patch', patch);
  };
  await finalizers(['example.com/hold']);
  await kubectl('plain', 'delete', kind, object, '--wait=false');
  return { [Symbol.asyncDispose]: () => finalizers([]) };
}
