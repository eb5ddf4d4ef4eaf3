/** Where things are: addresses in the cluster's network, folders on the machine. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Addresses. All of them exist only inside the network namespaces of a cluster, so clusters do not meet. */
export const addresses = {
  node: '10.88.0.1',
  /** The way out of the node: the namespace that plays the internet. */
  router: '10.88.0.254',
  pods: '10.244.0.0/24',
  services: '10.96.0.0/16',
  apiService: '10.96.0.1',
  dnsService: '10.96.0.10',
  /** What the namespace of the internet answers for: a public address, a neighbour's, a cloud's metadata service. */
  internet: '203.0.113.10',
  privateNetwork: '192.168.77.10',
  metadata: '169.254.169.254',
} as const;

export const ports = { etcd: 2379, etcdPeers: 2380, api: 6443, registry: 5000 } as const;

export const nodeName = 'node1';

/** The registry, as image names and pushes from the node spell it. */
export const registry = `${addresses.node}:${ports.registry}`;

/** What the node's processes see of the file system is the machine's, but for these folders, which are a cluster's own. */
export const nodeFolders = {
  containerdSocket: '/run/containerd/containerd.sock',
  internet: '/run/netns/internet',
  volumePlugins: '/var/lib/kubelet/volume-plugins',
} as const;

/** Everything that one cluster keeps on the machine, in one folder. */
export interface State {
  readonly folder: string;
  /** The cluster's control group, below the root of every hierarchy. */
  readonly cgroup: string;
  readonly pki: string;
  readonly config: string;
  readonly logs: string;
  /** Is /var/lib on the node. */
  readonly lib: string;
  /** For programs of the machine, by a port on its loopback address. */
  readonly kubeconfig: string;
  /** For programs on the node. */
  readonly nodeKubeconfig: string;
}

/** @param name a name of the cluster, for several at once */
export function stateOf(name: string): State {
  const parent = process.env.XDG_STATE_HOME || join(homedir(), '.local/state');
  const folder = join(parent, 'paddock-cluster', name);
  return {
    folder,
    cgroup: `paddock-cluster-${name}`,
    pki: join(folder, 'pki'),
    config: join(folder, 'config'),
    logs: join(folder, 'log'),
    lib: join(folder, 'lib'),
    kubeconfig: join(folder, 'kubeconfig'),
    nodeKubeconfig: join(folder, 'node.kubeconfig'),
  };
}

/** What is built once and kept. */
export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'paddock');
