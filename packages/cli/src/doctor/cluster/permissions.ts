import type { Kubectl } from '../../cluster/kubectl.ts';
import type { Verdict } from '../check.ts';
import { see } from './look.ts';
import { gatewayApp } from './names.ts';
import { callerRights, gatewayRights, type Right, setupRights } from './rights.ts';
import { enumerated, type Scene, unseen } from './scene.ts';

/** Whether the caller may do what setup and this command line do. */
export async function checkPermissions({ kubectl, cluster, look }: Scene): Promise<Verdict> {
  const { namespace } = cluster;
  const asked = [...callerRights, ...setupRights];
  const found = await see(() => review(kubectl, namespace, asked));
  if (found.is === 'hidden') return unseen('the rights of this user', found);
  const denied = asked.filter((_, index) => !found.value[index]);
  if (denied.length === 0) return { status: 'ok', message: 'this user may set it up and use it' };
  const mayUse = callerRights.every((right) => !denied.includes(right));
  const isThere = look.namespace.is === 'hidden' || look.namespace.value !== undefined;
  return {
    status: mayUse && isThere ? 'warn' : 'fail',
    message: `this user may ${mayUse ? 'use it, but not set it up' : 'not use it'}: denied in ${namespace} are ${inWords(denied)}`,
    hint: 'Ask whoever runs the cluster for these rights; `kubectl auth whoami` says who you are.',
  };
}

/** Whether the gateways may do what they do, where the caller may ask that. */
export async function checkGatewayPermissions({ kubectl, cluster }: Scene): Promise<Verdict> {
  const { namespace } = cluster;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  const user = `system:serviceaccount:${namespace}:${gatewayApp}`;
  const found = await see(() => review(kubectl, namespace, gatewayRights, { user, groups }));
  if (found.is === 'hidden') return unseen('the rights of the gateways', found);
  const denied = gatewayRights.filter((_, index) => !found.value[index]);
  if (denied.length === 0)
    return { status: 'ok', message: `the account ${gatewayApp} may do what gateways do` };
  return {
    status: 'fail',
    message: `the account ${gatewayApp} lacks ${inWords(denied)}`,
    hint: 'Run docker/k8s/setup.sh again: its Role and RoleBinding are in sandbox-service.yaml.',
  };
}

interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Asks the API server, in one call of kubectl: whether each right is granted, to the caller unless it says to whom. */
async function review(
  kubectl: Kubectl,
  namespace: string,
  asked: readonly Right[],
  subject?: Subject,
): Promise<boolean[]> {
  const items = asked.map(({ group, resource, verb, name, clusterWide }) => {
    const [plural, subresource] = resource.split('/');
    return {
      apiVersion: 'authorization.k8s.io/v1',
      kind: subject ? 'SubjectAccessReview' : 'SelfSubjectAccessReview',
      spec: {
        ...subject,
        resourceAttributes: {
          group,
          resource: plural,
          verb,
          ...(subresource !== undefined && { subresource }),
          ...(name !== undefined && { name }),
          ...(!clusterWide && { namespace }),
        },
      },
    };
  });
  const args = ['create', '--validate=ignore', '--filename=-', '--output=jsonpath={.status.allowed}{"\\n"}'];
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  return (await kubectl(args, { input })).split('\n').map((line) => line === 'true');
}

/** `create pods and get, list roles.rbac.authorization.k8s.io`. */
function inWords(denied: readonly Right[]): string {
  const byResource = new Map<string, string[]>();
  for (const { group, resource, verb } of denied) {
    const what = group === '' ? resource : `${resource}.${group}`;
    const verbs = byResource.get(what) ?? [];
    if (!verbs.includes(verb)) verbs.push(verb);
    byResource.set(what, verbs);
  }
  return enumerated([...byResource].map(([what, verbs]) => `${verbs.join(', ')} ${what}`));
}
