import type { Verdict } from '../check.ts';
import { list, see } from './look.ts';
import { clientLabel, ports } from './names.ts';
import { namespaceSchema, type Pod, podSchema } from './objects.ts';
import { enumerated, type Scene } from './scene.ts';

/** Whether a backend asks from where the policies let nobody in. */
export async function checkBackends({ kubectl, cluster }: Scene): Promise<Verdict> {
  const { namespace } = cluster;
  const rule = `pods of ${namespace} and of namespaces labelled ${clientLabel}=true may call the gateway`;
  const [spaces, pods] = await Promise.all([
    see(() => list(kubectl, ['namespaces'], namespaceSchema)),
    see(() => list(kubectl, ['pods', '--all-namespaces'], podSchema)),
  ]);
  if (spaces.is === 'hidden') return { status: 'skip', message: `${rule}; which those are may not be seen` };
  const labelled = spaces.value
    .filter(({ metadata }) => metadata.labels?.[clientLabel] === 'true')
    .map(({ metadata }) => metadata.name);
  const all = `${rule} (${labelled.length > 0 ? `labelled are ${enumerated(labelled)}` : 'none is labelled'})`;
  if (pods.is === 'hidden') return { status: 'ok', message: all };
  const blocked = pods.value.filter(
    ({ metadata, spec }) =>
      metadata.namespace !== namespace &&
      !labelled.includes(metadata.namespace ?? '') &&
      asks(spec.containers, namespace),
  );
  const [first] = blocked;
  if (!first) return { status: 'ok', message: all };
  const others = blocked.length > 1 ? ` and ${blocked.length - 1} more` : '';
  return {
    status: 'warn',
    message: `pod ${first.metadata.name} of namespace ${first.metadata.namespace}${others} names the gateway, and is not let in`,
    hint: `Let its namespace in: kubectl label namespace ${first.metadata.namespace} ${clientLabel}=true`,
  };
}

/** Whether what a pod is started with names the gateway; what it reads from files is not seen. */
function asks(containers: Pod['spec']['containers'], namespace: string): boolean {
  const names = Object.keys(ports).map((service) => `${service}.${namespace}`);
  return containers
    .flatMap(({ env = [], command = [], args = [] }) => [
      ...command,
      ...args,
      ...env.map(({ value = '' }) => value),
    ])
    .some((word) => names.some((name) => word.includes(name)));
}
