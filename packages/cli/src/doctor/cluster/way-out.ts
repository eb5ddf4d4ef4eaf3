import { type Cluster, typed } from '../../cluster/cluster.ts';
import type { Trouble } from './trouble.ts';

/** What to do about what keeps a pod from being ready. */
export function wayOut({ about, pod }: Trouble, cluster: Cluster): string {
  const log = typed(cluster, `logs ${pod ?? 'POD'}`);
  switch (about) {
    case 'image':
      return 'Check the name of the image; bring it to the nodes with docker/k8s/setup.sh (--push REGISTRY for nodes elsewhere).';
    case 'quota':
      return `Raise the quota, or keep fewer sandboxes ready: setup.sh --replicas 1. See ${typed(cluster, 'describe quota')}`;
    case 'security':
      return `See the levels that are enforced: kubectl get namespace ${cluster.namespace} --show-labels`;
    case 'scheduling':
      return 'Free room on a node or add one, or change what the manifests ask of nodes: requests, selectors, tolerations.';
    case 'skills':
      return 'Give a folder that every node has, or have setup.sh copy it to a claim: setup.sh --skills-path PATH';
    case 'keys':
      return 'The first gateway that serves writes the ConfigMap paddock-keys: see to the gateways first.';
    case 'probe':
      return `See what it says: ${log}. An image of your own must be FROM paddock/sandbox and keep its start.`;
    case 'start':
      return `See what it says: ${log}, and ${typed(cluster, `describe pod ${pod ?? ''}`).trim()}`;
  }
}
