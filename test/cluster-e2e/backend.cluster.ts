/** A backend that is configured with base_url alone, in the cluster and outside of it, with the client that it uses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { buildImage } from '../cluster/images.ts';
import { PublishedClient, promisesTo } from '../conformance/published-client.ts';
import { install, startWithImages, untilServing } from './cli.ts';
import { Service } from './service.ts';

const name = `backend-${process.pid}`;
const version = '0.0.30';
const image = 'docker.io/example/backend:1';
const fixture = join(import.meta.dirname, 'fixtures/backend');
let cluster: Cluster;

/** Where a backend finds its sandboxes, behind two gateways. */
interface Place {
  readonly namespace: string;
  readonly replicas: number;
  readonly runtime?: string;
  /** Whether the promises of a group are tried there. */
  readonly tries: (group: string) => boolean;
  /** What comes of them, by their number. */
  readonly kept: Map<number, Promise<void>>;
}

/** All but those where a sandbox is made for each. */
const withoutProvisioner = (group: string) => group !== 'a backend with provisioner_url';

const places: readonly Place[] = [
  { namespace: 'single', replicas: 1, tries: (group) => group.startsWith('a backend'), kept: new Map() },
  { namespace: 'deer-flow', replicas: 3, tries: withoutProvisioner, kept: new Map() },
  { namespace: 'gvisor', replicas: 1, runtime: 'gvisor', tries: withoutProvisioner, kept: new Map() },
];

const clients: PublishedClient[] = [];

beforeAll(async () => {
  const context = join(import.meta.dirname, '../conformance/python');
  const dockerfile = join(fixture, 'Dockerfile');
  const build = buildImage({ tag: image, context, dockerfile, args: { CLIENT: version } });
  [cluster] = await Promise.all([startWithImages(name), build]);
  await cluster.pushImage(image);
  await Promise.all([
    startBackend(),
    ...places.map(async ({ namespace, replicas, runtime }) => {
      const spec = runtime ? `      runtimeClassName: ${runtime}\n` : '';
      await install(cluster, namespace, {
        gateway: (yaml) => yaml.replace('replicas: 1', 'replicas: 2'),
        sandbox: (yaml) =>
          yaml
            .replace('replicas: 1', `replicas: ${replicas}`)
            .replace(/(?= +automountServiceAccountToken)/, spec),
      });
      await untilServing(cluster, namespace, 'pool');
    }),
  ]);
  await Promise.all(places.map(beginAll));
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await endCluster(name);
});

describe.each(places)('a backend in the cluster, base_url of $namespace, replicas: $replicas', (place) => {
  for (const { group, promise, number } of promisesIn(place)) {
    it(`${group}: ${promise}`, () => place.kept.get(number));
  }
});

describe('a sandbox under gVisor', () => {
  it('runs on a kernel of its own, and runs Python there', async () => {
    using service = await Service.open(cluster, 'gvisor');
    const { stdout } = await service.run('talk', 'uname -r; dmesg');
    expect(stdout).toMatch(/^4\.\d+\.0(-gvisor)?\n/);
    expect(stdout).toContain('Starting gVisor');
    const program = [
      'import concurrent.futures, sqlite3, subprocess, sys',
      'print(sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0], sys.prefix)',
      'print(sum(concurrent.futures.ThreadPoolExecutor(20).map(abs, range(100))))',
      'print(subprocess.run(["pip", "--version"], capture_output=True, text=True).stdout[:4])',
    ];
    const { stdout: computed } = await service.run('talk', `python3 -c '${program.join('\n')}'`);
    expect(computed).toBe('42 /home/sandbox/.venv\n4950\npip \n');
    const pods = ['get', 'pods', '--namespace', 'gvisor', '-l', 'paddock.dev/sandbox'];
    const classes = await cluster.kubectlRun([...pods, '-o', 'jsonpath={.items[*].spec.runtimeClassName}']);
    expect(new Set(classes.split(' '))).toEqual(new Set(['gvisor']));
  });
});

describe('several processes of a backend, with three replicas', () => {
  it('meet one sandbox, with all their files and sessions', async () => {
    using service = await Service.open(cluster, 'deer-flow');
    const execute = async (command: string) => {
      return JSON.parse((await service.send('POST', '/v1/shell/exec', { command })).body).data.output;
    };
    await execute('mkdir -p /mnt/user-data/workspace/together');
    const script = readFileSync(join(fixture, 'together.py'), 'utf8');
    const processes = ['a', 'b', 'c'].map((process) => {
      const [, ...args] = inBackend('-c', script, baseUrl('deer-flow'), process, '8');
      return cluster.kubectlRun(args.slice(1));
    });
    const told = (await Promise.all(processes)).map((output) => together.parse(JSON.parse(output)));
    expect(told.flatMap(({ faults }) => faults)).toEqual([]);
    expect(new Set(told.flatMap(({ hosts }) => hosts)).size, JSON.stringify(told)).toBe(1);
    expect(await execute('hostname')).toBe(`${told[0]?.hosts[0]}\n`);
    expect(await execute('ls /mnt/user-data/workspace/together | wc -l')).toBe('120\n');
  });
});

describe('a backend outside of the cluster, behind kubectl port-forward', () => {
  const older = '0.0.19';
  let forward: Awaited<ReturnType<typeof forwardPort>>;
  let client: PublishedClient;
  beforeAll(async () => {
    forward = await forwardPort('deer-flow');
    client = await PublishedClient.start(older, forward.url);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    await forward?.[Symbol.asyncDispose]();
  });

  promisesTo(older).forEach(({ group, promise }, number) => {
    if (group === 'a backend with base_url') it(promise, () => client.keep(number));
  });
});

/** Has the backend try all promises of a place, one after the other, while it tries those of others. */
async function beginAll(place: Place): Promise<void> {
  const command = inBackend('/cases/main.py', version, baseUrl(place.namespace));
  const client = await PublishedClient.startedBy(command);
  clients.push(client);
  for (const { number } of promisesIn(place)) {
    const kept = client.keep(number);
    // Its own test tells.
    kept.catch(() => {});
    place.kept.set(number, kept);
  }
}

function promisesIn({ tries }: Place) {
  const all = promisesTo(version).map((promised, number) => ({ ...promised, number }));
  return all.filter(({ group }) => tries(group));
}

const together = z.object({ hosts: z.array(z.string()), faults: z.array(z.string()) });

function baseUrl(namespace: string): string {
  return `http://deer-flow-sandbox.${namespace}.svc.cluster.local:8080`;
}

/** The command that runs Python in the backend's pod. */
function inBackend(...args: readonly string[]): string[] {
  const kubectl = [cluster.kubectl, `--kubeconfig=${cluster.kubeconfig}`];
  return [...kubectl, 'exec', '--stdin', '--namespace', 'backend', 'backend', '--', 'python3', ...args];
}

/** In a namespace of its own, which the policies let in. */
async function startBackend(): Promise<void> {
  const labels = { 'paddock.dev/client': 'true' };
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'backend', labels } };
  await cluster.kubectlRun(['apply', '--filename=-'], { input: JSON.stringify(namespace) });
  const at = ['--namespace', 'backend'];
  await cluster.kubectlRun(['run', 'backend', ...at, '--image', 'example/backend:1', '--grace-period=1']);
  await cluster.kubectlRun(['wait', '--for=condition=Ready', '--timeout=120s', ...at, 'pod/backend']);
}

/** `kubectl port-forward` to the Service, until disposed of. */
async function forwardPort(namespace: string): Promise<AsyncDisposable & { readonly url: string }> {
  const target = ['port-forward', '--namespace', namespace, 'service/deer-flow-sandbox', ':8080'];
  const child = spawn(cluster.kubectl, [`--kubeconfig=${cluster.kubeconfig}`, ...target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await once(child, 'close');
    },
  };
}
