/** What a pod's object says of it. */
import { sandboxLabel, templateHashLabel } from './names.ts';
import type { ContainerStatus, Pod, Sandbox } from './objects.ts';

/** Whether a pod is a Sandbox's: by its label and by the UID among its owners, which no later Sandbox of the name has. */
export function belongsTo(pod: Pod, sandbox: Sandbox): boolean {
  const { labels, ownerReferences = [] } = pod.metadata;
  const { name, uid } = sandbox.metadata;
  return labels?.[sandboxLabel] === name && ownerReferences.some((owner) => owner.uid === uid);
}

/** Whether a pod may still become a Sandbox's. Once it may not, it never may again. */
export function isUnclaimed({ metadata }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && metadata.labels?.[sandboxLabel] === undefined;
}

/** Whether a pod waits in the ReplicaSet of that UID to be claimed. */
export function isFree(pod: Pod, replicaSetUid: string): boolean {
  const { labels = {}, ownerReferences = [] } = pod.metadata;
  return (
    isUnclaimed(pod) &&
    labels[templateHashLabel] !== undefined &&
    ownerReferences.some(({ uid, controller }) => controller === true && uid === replicaSetUid)
  );
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** Why a pod serves no more; undefined while it does, or may yet. */
export function endOf(pod: Pod): string | undefined {
  const { phase, reason, message } = pod.status;
  if (phase === 'Failed' || phase === 'Succeeded')
    return [reason ?? lastEnd(pod) ?? `its pod is ${phase}`, message].filter(Boolean).join(': ');
  if (pod.metadata.deletionTimestamp !== undefined) {
    const disruption = pod.status.conditions?.find(({ type }) => type === 'DisruptionTarget');
    return disruption?.reason ? `its pod was ended: ${disruption.reason}` : 'its pod was deleted';
  }
  return undefined;
}

/** Which run of its container a pod is in; undefined while it is in none. */
export function runOf(pod: Pod): string | undefined {
  const container = serverContainer(pod);
  return container?.state?.running && pod.status.podIP ? container.containerID : undefined;
}

/** Why the container of a pod ended last, such as `OOMKilled`. */
export function lastEnd(pod: Pod): string | undefined {
  const container = serverContainer(pod);
  return container && endOfContainer(container);
}

function endOfContainer({ state, lastState }: ContainerStatus): string | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (!ended) return undefined;
  if (ended.reason && ended.reason !== 'Error') return ended.reason;
  return `exit code ${ended.exitCode ?? 'unknown'}`;
}

/** What keeps a pod from serving, in the cluster's words; undefined while it only takes its time. */
export function troubleOf(pod: Pod): string | undefined {
  if (isReady(pod)) return undefined;
  const { conditions = [], initContainerStatuses = [], containerStatuses = [] } = pod.status;
  const unscheduled = conditions.find(({ reason }) => reason === 'Unschedulable');
  if (unscheduled?.status === 'False') return inWords(unscheduled);
  for (const container of [...initContainerStatuses, ...containerStatuses]) {
    const waiting = container.state?.waiting;
    const end = endOfContainer(container);
    const ended = end === undefined || end === 'Completed' ? '' : `its container ended: ${end}`;
    if (waiting?.reason && !usualWaits.includes(waiting.reason))
      return [inWords(waiting), ended && `(${ended})`].filter(Boolean).join(' ');
    if (ended) return ended;
  }
  return undefined;
}

/** What a container waits for that is about to start. */
const usualWaits = ['ContainerCreating', 'PodInitializing'];

/** What is still missing to a pod that is not ready, in the cluster's words. */
export function delayOf(pod: Pod): string {
  const unmet = pod.status.conditions?.find(({ status, reason }) => status === 'False' && reason);
  return troubleOf(pod) ?? ((unmet && inWords(unmet)) || (pod.status.phase ?? 'Pending'));
}

/** What the cluster says of a thing: one word, and a sentence where it has one. */
export function inWords(said: { reason?: string | undefined; message?: string | undefined }): string {
  return [said.reason, said.message].filter(Boolean).join(': ');
}

/** The sandbox server's container is the first of its pod. */
function serverContainer(pod: Pod) {
  const name = pod.spec.containers[0]?.name;
  return pod.status.containerStatuses?.find((status) => status.name === name);
}
