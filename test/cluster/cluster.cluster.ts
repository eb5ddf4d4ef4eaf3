import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesNow } from '../leaks/processes.ts';
import { cgroupFolders } from './cgroups.ts';
import { type Cluster, endCluster, startCluster } from './cluster.ts';
import { run } from './command.ts';
import { stateOf } from './layout.ts';
import { findMachine } from './machine.ts';
import { podPidsLimit } from './node.ts';
import { apply, inPod, pod, startPods, toolbox } from './pods.ts';
import { waitFor } from './wait.ts';

const name = `test-${process.pid}`;
let before: ReturnType<typeof outside>;
let cluster: Cluster;

beforeAll(async () => {
  before = outside();
  cluster = await startCluster({ name });
  await cluster.pushImage(toolbox);
});

afterAll(async () => await endCluster(name));

describe('the cluster', () => {
  it('has a node that is ready', async () => {
    const node =
      'jsonpath={.items[0].metadata.name} {.items[0].status.conditions[?(@.type=="Ready")].status}';
    expect(await cluster.kubectlRun(['get', 'nodes', '-o', node])).toBe('node1 True');
  });

  it('is found when it is started again, also by two at once', async () => {
    const pid = findMachine(stateOf(name))?.pid;
    const [again] = await Promise.all([startCluster({ name }), startCluster({ name })]);
    expect(again.kubeconfig).toBe(cluster.kubeconfig);
    expect(findMachine(stateOf(name))?.pid).toBe(pid);
  });

  it('answers programs on its node too', async () => {
    const command = [cluster.kubectl, `--kubeconfig=${cluster.nodeKubeconfig}`, 'get', 'nodes', '-o', 'name'];
    expect((await cluster.run(command)).stdout.trim()).toBe('node/node1');
    expect((await cluster.run(['pwd'], { cwd: tmpdir() })).stdout.trim()).toBe(tmpdir());
  });
});

describe('a pod', () => {
  it('runs an image of the registry, runs commands, and shows what it printed', async () => {
    await startPods(cluster, pod('plain', { script: 'echo started; sleep 3600' }));
    expect(await inPod(cluster, 'plain', 'id -u; hostname')).toBe('0\nplain');
    expect(await cluster.kubectlRun(['logs', 'plain'])).toBe('started\n');
  });

  it('runs as the restricted level of pod security wants it', async () => {
    const securityContext = {
      runAsNonRoot: true,
      runAsUser: 10_001,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    await startPods(cluster, pod('restricted', { container: { securityContext } }));
    const script = 'id -u; grep -E "^(CapEff|Seccomp):" /proc/self/status; touch /file';
    expect(await inPod(cluster, 'restricted', script)).toBe(
      "10001\nCapEff:\t0000000000000000\nSeccomp:\t2\ntouch: cannot touch '/file': Read-only file system\nexit code 1",
    );
  });

  it('is found by the name of its Service', async () => {
    const script = 'mkdir /www; echo hello >/www/index.html; busybox httpd -f -h /www -p 8080';
    await startPods(cluster, pod('web', { script }));
    await apply(cluster, service('web', 80, 8080));
    const fetch = 'curl -sS -m 5 http://web.default.svc.cluster.local';
    await waitFor({ what: 'the Service leads to its pod', timeoutMs: 10_000 }, async () => {
      return (await inPod(cluster, 'plain', fetch)) === 'hello';
    });
    const lookup = 'busybox nslookup nobody.default.svc.cluster.local';
    expect(await inPod(cluster, 'plain', lookup)).toContain('NXDOMAIN');
  });

  it('is reached from outside over a forwarded port', async () => {
    const args = [`--kubeconfig=${cluster.kubeconfig}`, 'port-forward', 'service/web', ':80'];
    const forward = spawn(cluster.kubectl, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await once(forward.stdout.setEncoding('utf8'), 'data');
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } });
      expect(await answer.text()).toBe('hello\n');
    } finally {
      forward.kill();
      await once(forward, 'close');
    }
  });

  it('of an image that does not exist says so', async () => {
    await apply(cluster, pod('missing', { image: 'example/missing:1' }));
    const reason = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}';
    await waitFor({ what: 'ImagePullBackOff', timeoutMs: 60_000, everyMs: 500 }, async () => {
      return (await cluster.kubectlRun(['get', 'pod', 'missing', '-o', reason])) === 'ImagePullBackOff';
    });
    const events = ['events', '--for=pod/missing', '--types=Warning'];
    expect(await cluster.kubectlRun(events)).toContain('docker.io/example/missing:1: not found');
  });

  it('runs under gVisor', async () => {
    await startPods(cluster, pod('gvisor', { spec: { runtimeClassName: 'gvisor' } }));
    expect(await inPod(cluster, 'gvisor', 'dmesg | head -n 1')).toContain('Starting gVisor');
    expect(await inPod(cluster, 'gvisor', 'curl -sS -m 5 http://web')).toBe('hello');
  });

  it('has a limit of processes, and the node goes on', async () => {
    const script = `for i in $(seq ${podPidsLimit + 100}); do sleep 60 >/dev/null 2>&1 & done`;
    expect(await inPod(cluster, 'restricted', script)).toContain('Cannot fork');
    await cluster.kubectlRun(['delete', 'pod', 'restricted']);
    expect(await inPod(cluster, 'plain', 'echo alive')).toBe('alive');
  });

  it('that needs more memory than its limit is killed', async () => {
    const limited = { resources: { limits: { memory: '32Mi' } } };
    await apply(cluster, pod('hungry', { script: 'tail /dev/zero', container: limited }));
    const reason = 'jsonpath={.status.containerStatuses[0].state.terminated.reason}';
    await waitFor({ what: 'OOMKilled', timeoutMs: 60_000, everyMs: 500 }, async () => {
      return (await cluster.kubectlRun(['get', 'pod', 'hungry', '-o', reason])) === 'OOMKilled';
    });
  });

  it('that fills more disk than its limit is evicted', { timeout: 180_000 }, async () => {
    const limited = { resources: { limits: { 'ephemeral-storage': '16Mi' } } };
    const script = 'dd if=/dev/zero of=/file bs=1M count=64; sleep 3600';
    await apply(cluster, pod('filler', { script, container: limited }));
    const reason = 'jsonpath={.status.reason}';
    await waitFor({ what: 'the eviction', timeoutMs: 120_000, everyMs: 1_000 }, async () => {
      return (await cluster.kubectlRun(['get', 'pod', 'filler', '-o', reason])) === 'Evicted';
    });
    const message = ['get', 'pod', 'filler', '-o', 'jsonpath={.status.message}'];
    expect(await cluster.kubectlRun(message)).toMatch(/ephemeral.* storage/);
  });
});

describe('a network policy', () => {
  /** From the pod `policed`: what it reaches. */
  const targets = () => ({
    web: 'http://web',
    'API server': 'http://kubernetes.default:443',
    registry: `http://${cluster.registry}/v2/`,
    internet: 'http://internet.test:8080',
    neighbour: `http://${cluster.addresses.privateNetwork}:8080`,
    metadata: `http://${cluster.addresses.metadata}:8080`,
  });
  const reached = async () => {
    const found = await Promise.all(
      Object.entries(targets()).map(async ([place, url]) => {
        const answer = await inPod(cluster, 'policed', `curl -s -m 2 -o /dev/null ${url}`);
        return answer === curlTimedOut ? [] : [place];
      }),
    );
    return found.flat();
  };

  beforeAll(async () => {
    const serve = ['busybox', 'httpd', '-h', '/usr/share/common-licenses', '-p', '8080'];
    await run([...cluster.enterInternet(), ...serve]);
    await startPods(cluster, pod('policed'));
  });

  it('is needed to keep a pod from anything', async () => {
    expect(await reached()).toEqual(Object.keys(targets()));
  });

  it('drops what it does not allow, out of a pod', async () => {
    await apply(
      cluster,
      policy('out', 'policed', { policyTypes: ['Egress'], egress: [dns, publicInternet] }),
    );
    await waitFor({ what: 'the policy holds', timeoutMs: 20_000 }, async () => (await reached()).length < 5);
    expect(await reached()).toEqual(['internet']);
  });

  it('drops what it does not allow, into a pod', async () => {
    const from = [{ podSelector: { matchLabels: { app: 'plain' } } }];
    await apply(cluster, policy('in', 'web', { policyTypes: ['Ingress'], ingress: [{ from }] }));
    await startPods(cluster, pod('stranger'));
    const fetch = 'curl -sS -m 2 http://web';
    await waitFor({ what: 'the policy holds', timeoutMs: 20_000 }, async () => {
      return (await inPod(cluster, 'stranger', fetch)).endsWith(curlTimedOut);
    });
    expect(await inPod(cluster, 'plain', fetch)).toBe('hello');
  });
});

describe('a cluster that is ended', () => {
  it('leaves nothing behind, and others alone', { timeout: 120_000 }, async () => {
    const other = `${name}-b`;
    await startCluster({ name: other });
    const otherProcesses = processesOf(other);
    await endCluster(other);
    expect(leftOf(other, otherProcesses)).toEqual([]);
    expect(await inPod(cluster, 'plain', 'echo alive')).toBe('alive');

    const processes = processesOf(name);
    await cluster[Symbol.asyncDispose]();
    expect(leftOf(name, processes)).toEqual([]);
    expect(outside()).toEqual(before);
  });

  afterAll(async () => await endCluster(`${name}-b`));
});

function service(app: string, port: number, targetPort: number) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: app },
    spec: { selector: { app }, ports: [{ port, targetPort }] },
  };
}

const dns = {
  to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};

const publicInternet = {
  to: [
    {
      ipBlock: {
        cidr: '0.0.0.0/0',
        except: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
      },
    },
  ],
};

function policy(policyName: string, app: string, rules: object) {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: policyName },
    spec: { podSelector: { matchLabels: { app } }, ...rules },
  };
}

/** What is shown of a curl that got no answer at all: its packets were dropped. */
const curlTimedOut = 'exit code 28';

/** Every process on the node of a cluster, in its pods too, by keys that no later process has. */
function processesOf(clusterName: string): ReadonlySet<string> {
  const namespaceOf = (pid: number | undefined) => ifThere(() => readlinkSync(`/proc/${pid}/ns/uts`));
  const first = findMachine(stateOf(clusterName))?.pid;
  const cgroup = stateOf(clusterName).cgroup;
  const found = processesNow().filter(({ pid }) => {
    const inPod = ifThere(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8')).includes(cgroup);
    return inPod || namespaceOf(pid) === namespaceOf(first);
  });
  return new Set(found.map(({ key }) => key));
}

/** What of a cluster is still on the machine. */
function leftOf(clusterName: string, processes: ReadonlySet<string>): string[] {
  expect(processes.size).toBeGreaterThan(10);
  const { folder, cgroup } = stateOf(clusterName);
  const alive = processesNow()
    .filter((one) => processes.has(one.key) || `${one.command} ${one.folders}`.includes(folder))
    .map(({ pid, command }) => `process ${pid}: ${command}`);
  return [...alive, ...cgroupFolders(cgroup), ...folderIfThere(folder)];
}

function folderIfThere(folder: string): string[] {
  return ifThere(() => readdirSync(folder).join()) === '' ? [] : [folder];
}

/** What a cluster could change outside of its namespaces. */
function outside() {
  const sysctl = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'net/ipv4/ip_forward'];
  const folders = ['/run', '/run/netns', '/var/lib', '/var/log', '/etc', '/opt', '/usr/libexec'];
  return {
    interfaces: Object.keys(networkInterfaces()),
    values: sysctl.map((file) => readFileSync(join('/proc/sys', file), 'utf8')),
    folders: folders.map((folder) => ifThere(() => readdirSync(folder).sort().join(' '))),
  };
}

function ifThere(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
