/** etcd, the API server, the controllers and the scheduler. */
import { join } from 'node:path';
import { writeKubeconfig } from './certificates.ts';
import { CommandFailed } from './command.ts';
import { addresses, nodeFolders, ports, type State } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Programs } from './programs.ts';
import { waitFor } from './wait.ts';

/** Starts the control plane and waits until the API server is ready. */
export async function startControlPlane(state: State, machine: Machine, programs: Programs): Promise<void> {
  const etcd = `http://127.0.0.1:${ports.etcd}`;
  const peers = `http://127.0.0.1:${ports.etcdPeers}`;
  await machine.startDaemon('etcd', [
    'etcd',
    '--data-dir=/var/lib/etcd',
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${peers}`,
    // Nothing of a cluster outlives its machine.
    '--unsafe-no-fsync',
  ]);
  const pki = (name: string) => join(state.pki, name);
  const component = (name: string) => join(programs.kubernetes, name);
  await machine.startDaemon('kube-apiserver', [
    component('kube-apiserver'),
    `--etcd-servers=${etcd}`,
    `--secure-port=${ports.api}`,
    `--advertise-address=${addresses.node}`,
    `--service-cluster-ip-range=${addresses.services}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    `--service-account-key-file=${pki('accounts.key')}`,
    `--service-account-signing-key-file=${pki('accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--kubelet-certificate-authority=${pki('ca.crt')}`,
    `--kubelet-client-certificate=${pki('admin.crt')}`,
    `--kubelet-client-key=${pki('admin.key')}`,
    // Nothing resolves the node's name.
    '--kubelet-preferred-address-types=InternalIP',
  ]);
  const server = `https://${addresses.node}:${ports.api}`;
  writeKubeconfig(state, state.nodeKubeconfig, 'admin', server);
  await waitForApi(state, machine, programs);

  const kubeconfig = (client: 'controllers' | 'scheduler') => {
    const path = join(state.config, `${client}.kubeconfig`);
    writeKubeconfig(state, path, client, server);
    return `--kubeconfig=${path}`;
  };
  await machine.startDaemon('kube-controller-manager', [
    component('kube-controller-manager'),
    kubeconfig('controllers'),
    `--service-account-private-key-file=${pki('accounts.key')}`,
    `--root-ca-file=${pki('ca.crt')}`,
    `--cluster-cidr=${addresses.pods}`,
    '--node-cidr-mask-size=24',
    '--allocate-node-cidrs=true',
    '--leader-elect=false',
    // The default lies outside of the node's own folders.
    `--flex-volume-plugin-dir=${nodeFolders.volumePlugins}`,
    '--use-service-account-credentials=true',
  ]);
  await machine.startDaemon('kube-scheduler', [
    component('kube-scheduler'),
    kubeconfig('scheduler'),
    '--leader-elect=false',
  ]);
}

async function waitForApi(state: State, machine: Machine, programs: Programs): Promise<void> {
  let last = '';
  const kubectl = [join(programs.kubernetes, 'kubectl'), `--kubeconfig=${state.nodeKubeconfig}`];
  const wait = {
    what: 'the API server is ready',
    timeoutMs: 60_000,
    explain: () => last,
  };
  await waitFor(wait, async () => {
    machine.assertRunning('etcd', 'kube-apiserver');
    try {
      await machine.run([...kubectl, 'get', '--raw=/readyz']);
      return true;
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      last = error.message;
      return false;
    }
  });
}
