import type { Node } from './objects.ts';

/** The kinds of cluster that setup.sh tells apart, each by what its nodes say of themselves. */
const kinds: readonly (readonly [string, (node: Node) => boolean])[] = [
  [
    'OrbStack',
    ({ metadata, status: { nodeInfo } }) =>
      metadata.name === 'orbstack' ||
      nodeInfo.kubeletVersion.includes('+orb') ||
      nodeInfo.osImage.startsWith('OrbStack'),
  ],
  [
    'Docker Desktop',
    ({ metadata }) => metadata.name === 'docker-desktop' || metadata.name === 'desktop-control-plane',
  ],
  ['minikube', ({ metadata }) => metadata.labels?.['minikube.k8s.io/name'] !== undefined],
  ['kind', ({ spec }) => spec.providerID?.startsWith('kind://') ?? false],
  ['k3d', ({ spec }) => spec.providerID?.startsWith('k3s://k3d-') ?? false],
  ['k3s', ({ status }) => status.nodeInfo.kubeletVersion.includes('+k3s')],
];

/** Which kind of cluster has these nodes. */
export function kindOf(nodes: readonly Node[]): string {
  const [kind = 'a Kubernetes cluster'] = kinds.find(([, isOf]) => nodes.some(isOf)) ?? [];
  return kind;
}
