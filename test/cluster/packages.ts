/** What a cluster needs of the system's packages. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './command.ts';

/** The file that is there when the package is: the name of a program, or a path. */
const packages: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  containerd: 'containerd',
  runc: 'runc',
  '/usr/lib/cni/ptp': 'containernetworking-plugins',
  iptables: 'iptables',
  ip: 'iproute2',
  nsenter: 'util-linux',
  openssl: 'openssl',
  'docker-registry': 'docker-registry',
  buildah: 'buildah',
  mmdebstrap: 'mmdebstrap',
  busybox: 'busybox-static',
};

/**
 * Installs what is missing, on Debian and its kin.
 *
 * @throws an error that names what is missing elsewhere, and without root.
 */
export async function installPackages(say: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('a cluster makes namespaces and mounts: start it as root');
  const missing = Object.entries(packages).flatMap(([file, name]) => (isThere(file) ? [] : [name]));
  if (!isThere('go')) throw new Error('go is not installed; install Go 1.26 or newer and put it on the PATH');
  if (missing.length === 0) return;
  if (!isThere('apt-get')) {
    throw new Error(`not installed: ${missing.join(', ')}; these are Debian's names of what is needed`);
  }
  say(`installing ${missing.join(', ')} …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update', '-qq'], { env });
  // The programs run on the node of a cluster: whatever the packages start as services stays out of the way.
  await run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
}

function isThere(file: string): boolean {
  if (file.startsWith('/')) return existsSync(file);
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, file)));
}
