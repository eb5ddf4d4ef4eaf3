/** The kubelet and kube-proxy. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeKubeconfig } from './certificates.ts';
import { addresses, nodeFolders, nodeName, ports, type State } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Programs } from './programs.ts';

/** How many processes and threads one pod may have, as operators are told to set it. */
export const podPidsLimit = 1024;

/** Starts what makes this machine a node. It registers itself. */
export async function startNode(state: State, machine: Machine, programs: Programs): Promise<void> {
  const config = (name: string) => join(state.config, name);
  const server = `https://${addresses.node}:${ports.api}`;
  for (const client of ['kubelet', 'proxy'] as const) {
    writeKubeconfig(state, config(`${client}.kubeconfig`), client, server);
  }
  // Pods that ask for the node's resolver, CoreDNS among them, get one that knows nobody.
  writeFileSync(config('resolv.conf'), '');
  writeFileSync(config('kubelet.json'), JSON.stringify(kubeletConfig(state)));
  writeFileSync(config('proxy.json'), JSON.stringify(proxyConfig(config('proxy.kubeconfig'))));
  await machine.startDaemon('kubelet', [
    join(programs.kubernetes, 'kubelet'),
    `--config=${config('kubelet.json')}`,
    `--kubeconfig=${config('kubelet.kubeconfig')}`,
    `--hostname-override=${nodeName}`,
    `--node-ip=${addresses.node}`,
  ]);
  await machine.startDaemon('kube-proxy', [
    join(programs.kubernetes, 'kube-proxy'),
    `--config=${config('proxy.json')}`,
  ]);
}

function kubeletConfig(state: State) {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(state.pki, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(state.pki, 'kubelet.crt'),
    tlsPrivateKeyFile: join(state.pki, 'kubelet.key'),
    containerRuntimeEndpoint: `unix://${nodeFolders.containerdSocket}`,
    clusterDNS: [addresses.dnsService],
    clusterDomain: 'cluster.local',
    resolvConf: join(state.config, 'resolv.conf'),
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${state.cgroup}`,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    // It goes on where it may not set the kernel's own values.
    featureGates: { KubeletInUserNamespace: true },
    podPidsLimit,
    volumePluginDir: nodeFolders.volumePlugins,
    localStorageCapacityIsolation: true,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // The default of 300 s would hide a changed status from tests for as long.
    nodeStatusReportFrequency: '10s',
  };
}

function proxyConfig(kubeconfig: string) {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig },
    clusterCIDR: addresses.pods,
    hostnameOverride: nodeName,
    mode: 'iptables',
    // These would be set for the whole machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
