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

/** What keeps a cluster from being started here, before anything has been tried; undefined where nothing is known to. */
export function whyNoCluster(): string | undefined {
  if (process.platform !== 'linux') return 'a cluster takes Linux';
  if (process.getuid?.() !== 0) return 'a cluster makes namespaces and mounts: start it as root';
  if (!isThere('go')) return 'go is not installed; install Go 1.26 or newer and put it on the PATH';
  const missing = missingPackages();
  if (missing.length === 0 || isThere('apt-get')) return undefined;
  return `not installed: ${missing.join(', ')}; these are Debian's names of what is needed`;
}

/**
 * Installs what is missing, on Debian and its kin.
 *
 * @throws an error that names what is missing elsewhere, and without root.
 */
export async function installPackages(say: (line: string) => void): Promise<void> {
  const why = whyNoCluster();
  if (why !== undefined) throw new Error(why);
  const missing = missingPackages();
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')} …`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update', '-qq'], { env });
  // The programs run on the node of a cluster: whatever the packages start as services stays out of the way.
  await run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
}

function missingPackages(): string[] {
  return Object.entries(packages).flatMap(([file, name]) => (isThere(file) ? [] : [name]));
}

function isThere(file: string): boolean {
  if (file.startsWith('/')) return existsSync(file);
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, file)));
}
