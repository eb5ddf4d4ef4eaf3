/** The names by which gateways, pods and the people who look at them find each other. */

export const group = 'paddock.dev';
export const version = 'v1alpha1';

/** A claimed pod's label: the name of its Sandbox. */
export const sandboxLabel = 'paddock.dev/sandbox';

/** What a ReplicaSet knows its pods by. A claim takes it off. */
export const templateHashLabel = 'pod-template-hash';

/** On a Deployment and its pods: they are the pool of the template of that name. */
export const templateLabel = 'paddock.dev/template';

/** On a claimed pod: the hash of the template that it was made from. */
export const madeFromAnnotation = 'paddock.dev/template-hash';

/** Set on a ReplicaSet so that its controller looks at it at once. */
export const touchedAnnotation = 'paddock.dev/touched';

/** A node is not emptied for its own sake while a claimed pod runs there. */
export const keepAnnotations = {
  'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
  'karpenter.sh/do-not-disrupt': 'true',
} as const;

/** Of the ConfigMap with the public keys, and of the Secret with the private ones. */
export const keysName = 'paddock-keys';

/** The Lease of the gateway that leads. */
export const leaseName = 'paddock-gateway';

/** Paths of the API in one namespace. */
export function pathsOf(namespace: string) {
  const core = `/api/v1/namespaces/${namespace}`;
  const apps = `/apis/apps/v1/namespaces/${namespace}`;
  return {
    pods: `${core}/pods`,
    events: `${core}/events`,
    configMaps: `${core}/configmaps`,
    secrets: `${core}/secrets`,
    deployments: `${apps}/deployments`,
    replicaSets: `${apps}/replicasets`,
    sandboxes: `/apis/${group}/${version}/namespaces/${namespace}/sandboxes`,
    leases: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
  } as const;
}
export type Paths = ReturnType<typeof pathsOf>;
