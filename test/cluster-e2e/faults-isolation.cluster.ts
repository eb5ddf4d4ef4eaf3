/** What users and operators are spared: open doors, secrets, pods that stay, waste, foreign users, servers that only seem ready. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { run } from '../cluster/command.ts';
import { waitFor } from '../cluster/wait.ts';
import { type Difference, install, startWithImages, untilServing } from './cli.ts';
import { Service } from './service.ts';

const name = `isolation-${process.pid}`;
let cluster: Cluster;

/** By namespace: how it differs from what the manifests say. */
const installations = {
  plain: {},
  brief: withSettings({ PADDOCK_IDLE_SECONDS: 3 }),
  ageing: withSettings({ PADDOCK_MAX_LIFE_SECONDS: 20 }),
  endless: {
    ...withSettings({ PADDOCK_IDLE_SECONDS: 0, PADDOCK_MAX_LIFE_SECONDS: 0 }),
    sandbox: (yaml: string) => yaml.replace('replicas: 1', 'replicas: 0'),
  },
  root: runAs(0),
  stranger: runAs(12_345),
  broken: { sandbox: withBrokenBash },
} satisfies Record<string, Difference>;

const namespaces = Object.keys(installations);

beforeAll(async () => {
  cluster = await startWithImages(name);
  await Promise.all(
    Object.entries(installations).map(([space, difference]) => install(cluster, space, difference)),
  );
  await Promise.all(
    namespaces.map((space) => {
      return untilServing(cluster, space, ...(space === 'broken' ? [] : (['pool'] as const)));
    }),
  );
  // It counts from the start of the pod, and nothing is asked of it later.
  using service = await Service.open(cluster, 'ageing');
  await service.run('left-alone', 'true');
  await kubectl('ageing', 'scale', 'deployment/deer-flow-gateway', '--replicas=0');
});

afterAll(async () => await endCluster(name));

describe('an installation', () => {
  it('opens no port of a node to the outside', async () => {
    const fields = [
      '{range .items[*].spec.ports[*]}{.nodePort}{end}',
      '{range .items[*].spec.containers[*].ports[*]}{.hostPort}{end}',
      '{.items[*].spec.hostNetwork}{.items[*].spec.externalIPs}{.items[*].status.loadBalancer.ingress}',
    ];
    const ports = ['get', 'services,pods', '-o', `jsonpath=${fields.join('')}`];
    expect((await kubectl('plain', ...ports)).trim()).toBe('');
    const { registry, addresses } = cluster;
    const registryPort = Number(registry.split(':')[1]);
    // The registry's shows that the rest would be found.
    const asked = [registryPort, 8080, 8002, ...Array.from({ length: 2_768 }, (_, i) => 30_000 + i)];
    expect(await openPorts(addresses.node, asked)).toEqual([registryPort]);
  });

  it('keeps sandboxes from private networks, the cluster and its metadata, not from the internet', async () => {
    const { internet, privateNetwork, metadata, node, apiService } = cluster.addresses;
    await run([
      ...cluster.enterInternet(),
      'busybox',
      'httpd',
      '-h',
      '/usr/share/common-licenses',
      '-p',
      '8080',
    ]);
    const targets = {
      internet: `${internet}:8080`,
      neighbour: `${privateNetwork}:8080`,
      metadata: `${metadata}:8080`,
      registry: cluster.registry,
      kubelet: `${node}:10250`,
      API: `${apiService}:443`,
    };
    const ask = Object.entries(targets).map(([place, address]) => {
      return `{ curl -sk -m 3 -o /dev/null ${address}; echo ${place} $?; } &`;
    });
    using service = await Service.open(cluster, 'plain');
    const { stdout } = await service.run('curious', `${ask.join(' ')} wait`);
    const timedOut = (place: string) => `${place} 28`;
    const silent = Object.keys(targets).filter((place) => place !== 'internet');
    expect(stdout.trim().split('\n').sort()).toEqual(['internet 0', ...silent.map(timedOut)].sort());
  });

  it('gives a sandbox no token of the cluster, nor a word about where the cluster is', async () => {
    using service = await Service.open(cluster, 'plain');
    const look = [
      'ls -A /run/secrets /var/run/secrets 2>/dev/null',
      "find / -xdev -path /proc -prune -o -name token -print -o -name 'ca.crt' -print 2>/dev/null",
      'mount | grep -i -e serviceaccount -e secret',
      'env | grep -i -e kubernetes -e _SERVICE_ -e 10\\.96\\.',
    ];
    expect((await service.run('curious', look.join('; '))).stdout).toBe('');
  });

  it('ends a sandbox that nobody uses, and its pod, also when no gateway is left to do it', async () => {
    using service = await Service.open(cluster, 'brief');
    const pod = (await service.run('unused', 'hostname')).stdout.trim();
    await untilGone('brief', pod);
    expect(await service.call('GET', '/api/sandboxes')).toMatchObject({ count: 0 });
    const ends = { what: 'the pod without a gateway ends', timeoutMs: 40_000, everyMs: 500 };
    const state = 'jsonpath={.items[*].status.phase} {.items[*].status.reason}';
    await waitFor(ends, async () => {
      const alone = ['get', 'pods', '-l', 'paddock.dev/sandbox', '-o', state];
      return (await kubectl('ageing', ...alone)) === 'Failed DeadlineExceeded';
    });
  });

  it('takes a tenth of a gibibyte at most for an idle sandbox, and a moment to give one out', async () => {
    const idle = await waitFor(
      { what: 'the node has measured', timeoutMs: 30_000, everyMs: 500 },
      async () => {
        return await workingSetMib('plain', /^deer-flow-sandbox-/);
      },
    );
    const [warmMs, coldMs] = [await firstOutputMs('plain'), await firstOutputMs('endless')];
    const figures = `an idle sandbox takes ${idle.toFixed(1)} MiB (as kubectl top counts); claim and first command take`;
    console.log(`${figures} ${warmMs.toFixed(0)} ms, with an empty pool ${(coldMs / 1000).toFixed(1)} s`);
    expect(idle).toBeLessThan(103);
    expect(warmMs).toBeLessThan(1_500);
  });

  it.each([
    ['1000:1000', 'plain'],
    ['0:0', 'root'],
    ['12345:12345', 'stranger'],
  ])('lets a sandbox of user %s change what was uploaded, and results be downloaded', async (user, space) => {
    using service = await Service.open(cluster, space);
    const uploads = '/mnt/user-data/uploads';
    const outputs = '/mnt/user-data/outputs';
    expect((await service.run('files', 'echo "$(id -u):$(id -g)"')).stdout).toBe(`${user}\n`);
    await upload(service, `${uploads}/form.txt`, 'from a form\n');
    const content = Buffer.from('from a backend\n').toString('base64');
    const pushed = { file: `${uploads}/pushed.txt`, content, encoding: 'base64' };
    await service.call('POST', '/s/files/v1/file/write', pushed);
    const work = [
      `cd ${uploads} && cat form.txt pushed.txt && echo changed >>form.txt && mv form.txt ${outputs}/`,
      `rm pushed.txt && mkdir ${outputs}/made && echo made >${outputs}/made/file && chmod 600 ${outputs}/made/file`,
    ];
    const { stdout, stderr } = await service.run('files', work.join(' && '));
    expect(stdout + stderr).toBe('from a form\nfrom a backend\n');
    expect(await download(service, `${outputs}/form.txt`)).toBe('from a form\nchanged\n');
    expect(await download(service, `${outputs}/made/file`)).toBe('made\n');
    const again = { file: `${outputs}/made/file`, content: 'more\n', append: true };
    await service.call('POST', '/s/files/v1/file/write', again);
    expect((await service.run('files', `cat ${outputs}/made/file`)).stdout).toBe('made\nmore\n');
  });

  it('takes an idle time of 0 for never, in its settings and of one sandbox', async () => {
    using endless = await Service.open(cluster, 'endless');
    await endless.run('kept', 'true');
    const [kept] = listed.parse(await endless.call('GET', '/api/sandboxes?status=any')).sandboxes;
    expect(kept).toEqual({ sandbox_id: 'kept', idle_seconds: 0 });
    const deadlines = 'jsonpath={.items[*].spec.activeDeadlineSeconds}{.items[*].spec.expiresAt}';
    expect(await kubectl('endless', 'get', 'pods,sandboxes', '-o', deadlines)).toBe('');

    using brief = await Service.open(cluster, 'brief');
    const host = (await brief.run('kept', 'hostname')).stdout;
    const changed = await brief.send('PATCH', '/api/sandboxes/kept', { idle_seconds: 0 });
    expect(changed.status, changed.body).toBe(200);
    await untilGone('brief', (await brief.run('unused', 'hostname')).stdout.trim());
    expect((await brief.run('kept', 'hostname')).stdout).toBe(host);
  });

  it('calls a pod ready only when commands run in it', async () => {
    const events = ['events', '--types=Warning', '--for'];
    const podName = 'jsonpath={.items[0].metadata.name}';
    const pod = await kubectl('broken', 'get', 'pods', '-l', 'app=deer-flow-sandbox', '-o', podName);
    const fails = { what: 'its probe fails', timeoutMs: 60_000, everyMs: 500 };
    await waitFor(fails, async () =>
      /answers?|statuscode: 503/.test(await kubectl('broken', ...events, `pod/${pod}`)),
    );
    const state = 'jsonpath={.status.phase} {.status.containerStatuses[0].ready}';
    expect(await kubectl('broken', 'get', 'pod', pod, '-o', state)).toBe('Running false');
    using service = await Service.open(cluster, 'broken');
    const { status, body } = await service.send('GET', '/v1/sandbox');
    expect(status, body).toBe(503);
  });
});

const listed = z.object({
  sandboxes: z.array(
    z.object({ sandbox_id: z.string(), idle_seconds: z.number(), expires_at: z.optional(z.string()) }),
  ),
});

const summary = z.object({
  pods: z.array(
    z.object({
      podRef: z.object({ name: z.string(), namespace: z.string() }),
      containers: z.optional(
        z.array(z.object({ memory: z.optional(z.object({ workingSetBytes: z.number() })) })),
      ),
    }),
  ),
});

function kubectl(namespace: string, ...args: readonly string[]): Promise<string> {
  return cluster.kubectlRun(['--namespace', namespace, ...args]);
}

function withSettings(settings: Readonly<Record<string, number>>) {
  const lines = Object.entries(settings).map(
    ([key, value]) => `            - { name: ${key}, value: "${value}" }\n`,
  );
  return { gateway: (yaml: string) => yaml.replace(/(?= +- name: PADDOCK_ENGINE\n)/, lines.join('')) };
}

function runAs(user: number) {
  const sandbox = (yaml: string) =>
    yaml
      .replace('runAsNonRoot: true', `runAsNonRoot: ${user !== 0}`)
      .replace('runAsUser: 1000', `runAsUser: ${user}`)
      .replace('runAsGroup: 1000', `runAsGroup: ${user}`);
  return { sandbox };
}

/** The server starts and answers, but the shell that commands need does not. */
function withBrokenBash(yaml: string): string {
  const mount = '            - { name: broken-bash, mountPath: /usr/bin/bash, subPath: bash }\n';
  const volume = '        - { name: broken-bash, configMap: { name: broken-bash, defaultMode: 0755 } }\n';
  const script = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: broken-bash, namespace: broken }\n';
  return `${yaml
    .replace('          volumeMounts:\n', `$&${mount}`)
    .replace('      volumes:\n', `$&${volume}`)}\n---\n${script}data: { bash: "#!/bin/sh\\nexit 1\\n" }\n`;
}

/** Which ports of an address take connections that come from outside of the cluster. */
async function openPorts(address: string, ports: readonly number[]): Promise<number[]> {
  const program = `
    const [address, ...ports] = process.argv.slice(1);
    const { connect } = require('node:net');
    for (const port of ports) connect({ host: address, port, timeout: 5000 })
      .on('connect', function () { console.log(port); this.destroy(); })
      .on('timeout', function () { this.destroy(); })
      .on('error', () => {});`;
  const scan = [process.execPath, '--eval', program, address, ...ports.map(String)];
  const { stdout } = await run([...cluster.enterInternet(), ...scan]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

async function untilGone(namespace: string, pod: string): Promise<void> {
  await waitFor({ what: `pod ${pod} is gone`, timeoutMs: 40_000, everyMs: 250 }, async () => {
    return (await kubectl(namespace, 'get', 'pod', pod, '--ignore-not-found', '-o', 'name')) === '';
  });
}

/** What the kubelet counts for the containers of a pod, as `kubectl top` shows it. */
async function workingSetMib(namespace: string, pods: RegExp): Promise<number | undefined> {
  const { pods: all } = summary.parse(
    JSON.parse(await cluster.kubectlRun(['get', '--raw', '/api/v1/nodes/node1/proxy/stats/summary'])),
  );
  const bytes = all
    .filter(({ podRef }) => podRef.namespace === namespace && pods.test(podRef.name))
    .flatMap(({ containers = [] }) => containers.flatMap(({ memory }) => memory?.workingSetBytes || []));
  return bytes.length === 0 ? undefined : Math.max(...bytes) / 2 ** 20;
}

/** From the create of a conversation's sandbox to the output of its first command. */
async function firstOutputMs(namespace: string): Promise<number> {
  using service = await Service.open(cluster, namespace);
  const startMs = performance.now();
  await service.call('POST', '/api/sandboxes', { sandbox_id: 'measured' });
  expect((await service.run('measured', 'echo here')).stdout).toBe('here\n');
  return performance.now() - startMs;
}

async function upload(service: Service, path: string, content: string): Promise<void> {
  const form = new FormData();
  form.set('path', path);
  form.set('file', new Blob([content]), 'file');
  const headers = { connection: 'close' };
  const answer = await fetch(`${service.url}/s/files/v1/file/upload`, {
    method: 'POST',
    body: form,
    headers,
  });
  expect(answer.status, await answer.text()).toBe(200);
}

async function download(service: Service, path: string): Promise<string> {
  const { status, body } = await service.send('GET', `/s/files/v1/file/download?path=${path}`);
  expect(status, body).toBe(200);
  return body;
}
