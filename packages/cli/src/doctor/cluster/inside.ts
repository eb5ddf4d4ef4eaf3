/** What a sandbox sees of its surroundings. */
import { PaddockError } from '@paddock/client';
import { type Kubectl, KubectlError } from '../../cluster/kubectl.ts';
import type { Look } from './look.ts';
import { sandboxApp, sandboxLabel } from './names.ts';
import { type Seen, script, seenIn } from './script.ts';
import { targetsIn } from './targets.ts';
import { isReady } from './trouble.ts';

/** A sandbox in which a script can be run. */
export interface Inside {
  run(script: string): Promise<string>;
}

/** What was seen, or why nothing was. */
export type Sighting = Seen | { readonly is: 'unseen'; readonly why: string };

const lookLimitMs = 60_000;

/**
 * Looks around in the sandbox that was made to try it; where there is none, in one that waits for its conversation, by
 * `kubectl exec`.
 */
export async function lookInside(
  { kubectl, look, namespace }: { kubectl: Kubectl; look: Look; namespace: string },
  inside: Inside | undefined,
  listSkills: boolean,
): Promise<Sighting> {
  const place = inside ?? waiting(kubectl, look);
  if (!place) return { is: 'unseen', why: 'there is no sandbox to look from' };
  const targets = await targetsIn(kubectl, look);
  try {
    const printed = await place.run(script({ name: `${sandboxApp}.${namespace}.svc`, targets, listSkills }));
    return seenIn(printed, targets);
  } catch (error) {
    if (error instanceof PaddockError || error instanceof KubectlError)
      return { is: 'unseen', why: error.message };
    throw error;
  }
}

/** A pod of the pool: nobody's conversation is in it. */
function waiting(kubectl: Kubectl, { pods }: Look): Inside | undefined {
  if (pods.is === 'hidden') return undefined;
  const free = pods.value.find(
    (pod) =>
      pod.metadata.labels?.app === sandboxApp &&
      pod.metadata.labels[sandboxLabel] === undefined &&
      isReady(pod),
  );
  const container = free?.spec.containers[0]?.name;
  if (!free || container === undefined) return undefined;
  const exec = ['exec', free.metadata.name, '--container', container, '--', 'bash', '-c'];
  return { run: (text) => kubectl([...exec, text], { timeoutMs: lookLimitMs }) };
}
