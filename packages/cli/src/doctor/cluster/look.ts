/** One look at a cluster: the objects that the checks are about. */
import type * as z from 'zod/mini';
import { type Kubectl, KubectlError } from '../../cluster/kubectl.ts';
import { definition, leaseName } from './names.ts';
import {
  type Definition,
  type Deployment,
  definitionSchema,
  deploymentSchema,
  type Event,
  eventSchema,
  type Lease,
  leaseSchema,
  listSchema,
  type Namespace,
  namespaceSchema,
  objectSchema,
  type Pod,
  type Policy,
  podSchema,
  policySchema,
  type Quota,
  quotaSchema,
  type Service,
  serviceSchema,
} from './objects.ts';

/** What was asked for, or why it is not to be seen. */
export type Sight<T> =
  | { readonly is: 'seen'; readonly value: T }
  | { readonly is: 'hidden'; readonly why: KubectlError };

export interface Look {
  /** Undefined when there is none. */
  readonly namespace: Sight<Namespace | undefined>;
  readonly definition: Sight<Definition | undefined>;
  readonly lease: Sight<Lease | undefined>;
  readonly deployments: Sight<readonly Deployment[]>;
  readonly pods: Sight<readonly Pod[]>;
  readonly services: Sight<readonly Service[]>;
  readonly quotas: Sight<readonly Quota[]>;
  readonly policies: Sight<readonly Policy[]>;
  /** The oldest first. */
  readonly events: Sight<readonly Event[]>;
}

/** Looks at all of it. What may not be read is hidden. */
export async function lookAt(kubectl: Kubectl, namespace: string): Promise<Look> {
  const [space, kind, lease, lists] = await Promise.all([
    see(() => one(kubectl, ['namespace', namespace], namespaceSchema)),
    see(() => one(kubectl, ['customresourcedefinition', definition.name], definitionSchema)),
    see(() => one(kubectl, ['lease', leaseName], leaseSchema)),
    readLists(kubectl),
  ]);
  return { namespace: space, definition: kind, lease, ...lists };
}

/** @throws what is not kubectl's refusal. */
export async function see<T>(read: () => Promise<T>): Promise<Sight<T>> {
  try {
    return { is: 'seen', value: await read() };
  } catch (error) {
    if (error instanceof KubectlError) return { is: 'hidden', why: error };
    throw error;
  }
}

/** An object, or undefined when there is none. */
export async function one<Schema extends z.ZodMiniType>(
  kubectl: Kubectl,
  what: readonly string[],
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  const printed = await kubectl(['get', ...what, '--ignore-not-found', '--output=json']);
  return printed.trim() === '' ? undefined : schema.parse(JSON.parse(printed));
}

/** The objects that `kubectl get` lists. */
export async function list<Schema extends z.ZodMiniType>(
  kubectl: Kubectl,
  what: readonly string[],
  schema: Schema,
): Promise<z.output<Schema>[]> {
  const { items } = listSchema.parse(JSON.parse(await kubectl(['get', ...what, '--output=json'])));
  return items.map((item) => schema.parse(item));
}

type Lists = Omit<Look, 'namespace' | 'definition' | 'lease'>;

async function readLists(kubectl: Kubectl): Promise<Lists> {
  const read = await reader(kubectl);
  return {
    deployments: await read('deployments.apps', 'Deployment', deploymentSchema),
    pods: await read('pods', 'Pod', podSchema),
    services: await read('services', 'Service', serviceSchema),
    quotas: await read('resourcequotas', 'ResourceQuota', quotaSchema),
    policies: await read('networkpolicies.networking.k8s.io', 'NetworkPolicy', policySchema),
    events: byTime(await read('events', 'Event', eventSchema)),
  };
}

/** Reads all kinds at once; where that is refused, one after the other, to see which. */
async function reader(kubectl: Kubectl) {
  const kinds = 'deployments.apps,pods,services,resourcequotas,networkpolicies.networking.k8s.io,events';
  const all = await see(() => list(kubectl, [kinds], objectSchema));
  return async <Schema extends z.ZodMiniType>(
    resource: string,
    kind: string,
    schema: Schema,
  ): Promise<Sight<z.output<Schema>[]>> => {
    if (all.is === 'hidden') return await see(() => list(kubectl, [resource], schema));
    const own = all.value.filter((object) => object.kind === kind);
    return { is: 'seen', value: own.map((object) => schema.parse(object)) };
  };
}

function byTime(events: Sight<Event[]>): Sight<Event[]> {
  if (events.is === 'hidden') return events;
  return { is: 'seen', value: events.value.sort((a, b) => timeOf(a).localeCompare(timeOf(b))) };
}

function timeOf({ lastTimestamp, eventTime, metadata }: Event): string {
  return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '';
}
