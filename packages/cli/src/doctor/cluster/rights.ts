/** Who may do what. */

/** A right: a verb on a resource, written as in a Role. */
export interface Right {
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  readonly verb: string;
  /** Only on the object of that name. */
  readonly name?: string;
  /** On objects that are in no namespace. */
  readonly clusterWide?: true;
}

/** What the gateways do, as the Role of the manifests grants it. */
export const gatewayRights: readonly Right[] = [
  ...rights('', ['pods'], ['get', 'list', 'watch', 'create', 'patch', 'delete']),
  ...rights('', ['pods/log'], ['get']),
  ...rights(
    'paddock.dev',
    ['sandboxes', 'sandboxes/status'],
    ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
  ),
  ...rights('apps', ['deployments'], ['get', 'list', 'watch']),
  ...rights('apps', ['replicasets'], ['get', 'list', 'watch', 'patch']),
  ...rights('coordination.k8s.io', ['leases'], ['get', 'list', 'watch', 'create', 'update', 'patch']),
  ...rights('', ['configmaps', 'secrets'], ['create']),
  ...rights('', ['configmaps', 'secrets'], ['get', 'list', 'watch', 'update', 'patch'], 'paddock-keys'),
  ...rights('', ['events'], ['get', 'list', 'watch', 'create', 'patch']),
  ...rights('events.k8s.io', ['events'], ['get', 'list', 'watch', 'create', 'patch']),
];

/** What this command line does through kubectl. */
export const callerRights: readonly Right[] = [
  ...rights('', ['services'], ['get']),
  ...rights('', ['pods'], ['get', 'list']),
  ...rights('', ['pods/portforward'], ['create']),
];

const change = ['get', 'create', 'patch'] as const;

/** What docker/k8s/setup.sh does. */
export const setupRights: readonly Right[] = [
  ...rights('', ['services', 'serviceaccounts'], change),
  ...rights('apps', ['deployments'], change),
  ...rights('rbac.authorization.k8s.io', ['roles', 'rolebindings'], change),
  ...rights('networking.k8s.io', ['networkpolicies'], change),
  ...rights('', ['pods'], ['get', 'list', 'create', 'delete']),
  ...rights('', ['pods/exec'], ['create']),
  ...rights('', ['events'], ['list']),
  ...rights('', ['namespaces'], change).map((right) => ({ ...right, clusterWide: true as const })),
  ...rights('apiextensions.k8s.io', ['customresourcedefinitions'], change).map((right) => ({
    ...right,
    clusterWide: true as const,
  })),
];

function rights(
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  name?: string,
): Right[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => ({ group, resource, verb, ...(name !== undefined && { name }) })),
  );
}
