/** Who is who in a cluster: its certificates, and a kubeconfig for each client. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { addresses, nodeName, type State } from './layout.ts';

/** File names and subjects. The groups are those that Kubernetes' built-in roles know. */
const subjects = {
  admin: '/O=system:masters/CN=admin',
  kubelet: `/O=system:nodes/CN=system:node:${nodeName}`,
  controllers: '/CN=system:kube-controller-manager',
  scheduler: '/CN=system:kube-scheduler',
  proxy: '/CN=system:kube-proxy',
} as const;

const apiServerNames = [
  `IP:127.0.0.1,IP:${addresses.node},IP:${addresses.apiService},DNS:localhost,DNS:${nodeName}`,
  'DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc',
  'DNS:kubernetes.default.svc.cluster.local',
].join(',');

/** A client of the API server. */
export type Client = keyof typeof subjects;

/** Writes the cluster's authority, the API server's certificate, one for each client, and the key of service accounts. */
export async function writeCertificates(state: State): Promise<void> {
  mkdirSync(state.pki, { recursive: true, mode: 0o700 });
  // The system's configuration would add extensions of its own.
  writeFileSync(file(state, 'openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const extensions = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
  await certify(state, 'ca', '/CN=cluster', extensions, []);
  const issuer = ['-CA', file(state, 'ca.crt'), '-CAkey', file(state, 'ca.key')];
  const leaf = (names: string) => [
    'basicConstraints=critical,CA:FALSE',
    'extendedKeyUsage=serverAuth,clientAuth',
    `subjectAltName=${names}`,
  ];
  const kubeletNames = `DNS:${nodeName},IP:${addresses.node}`;
  await Promise.all([
    // In the one form that the API server takes both halves of the pair from.
    run([
      'openssl',
      'ecparam',
      '-genkey',
      '-name',
      'prime256v1',
      '-noout',
      '-out',
      file(state, 'accounts.key'),
    ]),
    certify(state, 'apiserver', '/CN=kube-apiserver', leaf(apiServerNames), issuer),
    ...Object.entries(subjects).map(([name, subject]) =>
      certify(state, name, subject, leaf(name === 'kubelet' ? kubeletNames : `DNS:${name}`), issuer),
    ),
  ]);
}

/** Writes the file with which a client reaches the API server at this address. */
export function writeKubeconfig(state: State, path: string, client: Client, server: string): void {
  const data = (name: string) => readFileSync(file(state, name)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'paddock', cluster: { server, 'certificate-authority-data': data('ca.crt') } }],
    users: [
      {
        name: client,
        user: { 'client-certificate-data': data(`${client}.crt`), 'client-key-data': data(`${client}.key`) },
      },
    ],
    contexts: [{ name: 'paddock', context: { cluster: 'paddock', user: client } }],
    'current-context': 'paddock',
  };
  // JSON is YAML, so every program that reads a kubeconfig reads it.
  writeFileSync(path, JSON.stringify(config, null, 2), { mode: 0o600 });
}

async function certify(
  state: State,
  name: string,
  subject: string,
  extensions: readonly string[],
  issuer: readonly string[],
): Promise<void> {
  const command = ['openssl', 'req', '-x509', '-nodes', '-days', '3650', '-subj', subject];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const out = ['-keyout', file(state, `${name}.key`), '-out', file(state, `${name}.crt`)];
  const config = ['-config', file(state, 'openssl.cnf')];
  const added = extensions.flatMap((extension) => ['-addext', extension]);
  await run([...command, ...key, ...issuer, ...out, ...added, ...config]);
}

function file(state: State, name: string): string {
  return join(state.pki, name);
}
