/** Who reaches whom by the network policies as the manifests have them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { run } from '../cluster/command.ts';
import { apply, pod, toolbox } from '../cluster/pods.ts';
import { install, startWithImages, untilServing } from './cli.ts';
import { Service } from './service.ts';

const name = `policies-${process.pid}`;
const namespace = 'policed';
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startWithImages(name);
  await cluster.pushImage(toolbox);
  await Promise.all([
    install(cluster, namespace, { sandbox: (yaml) => yaml.replace('replicas: 1', 'replicas: 2') }),
    startPlainPods(),
  ]);
  const serve = ['busybox', 'httpd', '-h', '/usr/share/common-licenses', '-p', '8080'];
  await run([...cluster.enterInternet(), ...serve]);
  await untilServing(cluster, namespace, 'pool');
});

afterAll(async () => await endCluster(name));

// A column for whom it is tried to reach, a row for who tries.
const whoReachesWhom = `
           idle claimed gateway service provisioner api kubelet dns internet private metadata pod
idle       no   no      no      no      no          no  no      yes yes      no      no       no
claimed    no   no      no      no      no          no  no      yes yes      no      no       no
gateway    yes  yes     yes     yes     yes         yes yes     yes yes      yes     yes      yes
pod        no   no      yes     yes     yes         yes yes     yes yes      yes     yes      yes
stranger   no   no      no      no      no          yes yes     yes yes      yes     yes      yes
client     no   no      yes     yes     yes         yes yes     yes yes      yes     yes      yes
neighbour  no   no      no      no      no          yes yes     no  yes      yes     yes      yes
node       yes  yes     yes     yes     yes         yes yes     no  yes      yes     yes      yes
`;

describe('who reaches whom', () => {
  it('is as the table says, tried from each to each', async () => {
    using service = await Service.open(cluster, namespace);
    const claimed = ['one', 'other'].map(async (id) => (await service.run(id, 'hostname')).stdout.trim());
    const [one = '', other = ''] = await Promise.all(claimed);
    await untilServing(cluster, namespace, 'pool');
    const [idle = '', nextIdle = ''] = await podsOf('app=deer-flow-sandbox,!paddock.dev/sandbox');
    const [gateway = ''] = await podsOf('app=deer-flow-gateway');
    const exec = (space: string, inPod: string) => [
      cluster.kubectl,
      `--kubeconfig=${cluster.kubeconfig}`,
      'exec',
      '--namespace',
      space,
      inPod,
      '--',
    ];
    const from = {
      idle: exec(namespace, idle),
      claimed: exec(namespace, one),
      gateway: exec(namespace, gateway),
      pod: exec(namespace, 'plain'),
      stranger: exec('stranger', 'plain'),
      client: exec('client', 'plain'),
      // Another machine in the network of the nodes.
      neighbour: cluster.enterInternet(),
      node: cluster.enter(),
    };
    const { node, apiService, internet, privateNetwork, metadata } = cluster.addresses;
    const to = {
      idle: `${await addressOf('pod', nextIdle)} 8080`,
      claimed: `${await addressOf('pod', other)} 8080`,
      gateway: `${await addressOf('pod', gateway)} 8080`,
      service: `${await addressOf('service', 'deer-flow-sandbox')} 8080`,
      provisioner: `${await addressOf('service', 'deer-flow-provisioner')} 8002`,
      api: `${apiService} 443`,
      kubelet: `${node} 10250`,
      dns: `deer-flow-sandbox.${namespace}.svc.cluster.local name`,
      internet: `${internet} 8080`,
      private: `${privateNetwork} 8080`,
      metadata: `${metadata} 8080`,
      pod: `${await addressOf('pod', 'web')} 8080`,
    };
    for (const range of [cluster.addresses.pods, cluster.addresses.services]) {
      await run([...cluster.enterInternet(), 'ip', 'route', 'replace', range, 'via', node]);
    }
    // A pod is judged by its labels as soon as these have reached the judge.
    const patience = { timeout: 20_000, interval: 500 };
    await vi.waitFor(async () => expect(await tryAll(from, to)).toBe(whoReachesWhom), patience);
  });
});

/** Pods of nobody's, in the namespace of the sandboxes and in others. */
async function startPlainPods(): Promise<void> {
  const namespaces = { [namespace]: {}, stranger: {}, client: { 'paddock.dev/client': 'true' } };
  const pods = Object.keys(namespaces).map((space) => within(space, pod('plain')));
  const web = within(namespace, pod('web', { script: 'busybox httpd -f -h /etc -p 8080' }));
  const spaces = Object.entries(namespaces).map(([space, labels]) => {
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: space, labels } };
  });
  await apply(cluster, ...spaces);
  await apply(cluster, ...pods, web);
  for (const space of Object.keys(namespaces)) {
    const ready = ['wait', '--for=condition=Ready', '--timeout=60s', '--namespace', space, 'pod/plain'];
    await cluster.kubectlRun(space === namespace ? [...ready, 'pod/web'] : ready);
  }
}

function within<T extends { metadata: object }>(space: string, object: T) {
  return { ...object, metadata: { ...object.metadata, namespace: space } };
}

async function podsOf(selector: string): Promise<string[]> {
  const names = 'jsonpath={.items[?(@.status.containerStatuses[0].ready==true)].metadata.name}';
  const pods = ['get', 'pods', '--namespace', namespace, '-l', selector, '-o', names];
  return (await cluster.kubectlRun(pods)).split(' ');
}

async function addressOf(kind: 'pod' | 'service', object: string): Promise<string> {
  const path = kind === 'pod' ? '.status.podIP' : '.spec.clusterIP';
  return await cluster.kubectlRun([
    'get',
    kind,
    object,
    '--namespace',
    namespace,
    '-o',
    `jsonpath={${path}}`,
  ]);
}

/** Has everyone try everything at once, and writes down what came of it as the table above has it. */
async function tryAll(
  from: Readonly<Record<string, readonly string[]>>,
  to: Readonly<Record<string, string>>,
): Promise<string> {
  const script = `
    try() {
      if [ "$3" = name ]; then timeout 3 getent hosts "$2"; else timeout 3 bash -c "</dev/tcp/$2/$3"; fi >/dev/null 2>&1
      case $? in 0) echo "$1 yes" ;; 124) echo "$1 no" ;; 2) echo "$1 no" ;; *) echo "$1 refused" ;; esac
    }
    ${Object.entries(to)
      .map(([whom, where]) => `try ${whom} ${where} &`)
      .join('\n')}
    wait`;
  const columns = Object.keys(to);
  const line = (first: string, cells: readonly string[]) => {
    const padded = cells.map((cell, i) => cell.padEnd(Math.max(3, columns[i]?.length ?? 0)));
    return `${first.padEnd(10)} ${padded.join(' ')}`.trimEnd();
  };
  const rows = await Promise.all(
    Object.entries(from).map(async ([who, enter]) => {
      const { stdout } = await run([...enter, 'bash', '-c', script], { timeoutMs: 30_000 });
      const found = new Map(stdout.split('\n').map((told) => [told.split(' ')[0], told.split(' ')[1]]));
      return line(
        who,
        columns.map((whom) => found.get(whom) ?? '?'),
      );
    }),
  );
  return `\n${[line('', columns), ...rows].join('\n')}\n`;
}
