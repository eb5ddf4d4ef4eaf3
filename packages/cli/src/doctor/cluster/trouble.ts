/** Why pods do not get ready, as the cluster says it. */
import type { Look } from './look.ts';
import { gatewayApp, sandboxApp, templateLabel } from './names.ts';
import type { Deployment, Pod } from './objects.ts';

/** What it is about; `start` is all that comes after the image is there. */
type Subject = 'image' | 'quota' | 'security' | 'scheduling' | 'skills' | 'keys' | 'probe' | 'start';

export interface Trouble {
  readonly about: Subject;
  /** In the words of the pod's own event or state. */
  readonly said: string;
  /** Which pod; undefined when it could not even be made. */
  readonly pod?: string;
}

/** What keeps the pods of a Deployment from being ready; none when they only take their time. */
export function troublesOf(look: Look, app: string): Trouble[] {
  const refused = refusalsOf(look, app).map((said) => ({ about: aboutOf(said), said }));
  if (look.pods.is === 'hidden') return refused;
  const pods = look.pods.value.filter((pod) => isOf(app, pod));
  return [...refused, ...pods.flatMap((pod) => troubleOf(look, pod) ?? [])];
}

/** Why the cluster refuses to make pods, now. */
export function refusalsOf({ deployments }: Look, app?: string): string[] {
  if (deployments.is === 'hidden') return [];
  return deployments.value
    .filter(({ metadata: { name } }) => (app ? name === app : name === sandboxApp || name === gatewayApp))
    .flatMap(({ status }: Deployment) => status?.conditions ?? [])
    .filter(({ type, status }) => type === 'ReplicaFailure' && status === 'True')
    .map(({ reason, message }) => `${reason}: ${message}`);
}

function troubleOf(look: Look, pod: Pod): Trouble | undefined {
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined || isReady(pod)) return undefined;
  const said = stateOf(look, pod) ?? lastWarning(look, name);
  return said === undefined ? undefined : { about: aboutOf(said), said, pod: name };
}

/** Whether a pod is of gateways, or of the pool that all share. */
export function isOf(app: string, { metadata: { labels } }: Pod): boolean {
  return labels?.app === app && labels[templateLabel] === undefined;
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((found) => found.type === 'Ready' && found.status === 'True') ?? false;
}

/** What its state says, in its event's words where they say more. */
function stateOf(look: Look, pod: Pod): string | undefined {
  const unscheduled = pod.status.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  );
  if (unscheduled) return `${unscheduled.reason}: ${unscheduled.message}`;
  const { state, lastState } = pod.status.containerStatuses?.find(({ state }) => state?.waiting) ?? {};
  const { reason = '', message = '' } = state?.waiting ?? {};
  if (/^(ErrImage|ImagePull|InvalidImage)/.test(reason)) {
    const event = eventsOf(look, pod.metadata.name).findLast(({ message = '' }) =>
      /^Failed to pull image|InvalidImageName|not present with pull policy/.test(message),
    );
    return `${reason}: ${event?.message ?? message}`;
  }
  if (reason === 'CrashLoopBackOff') {
    const { reason: ended = 'ended', exitCode } = lastState?.terminated ?? {};
    return `${reason}: its program ended (${ended}, exit code ${exitCode ?? 'unknown'})`;
  }
  if (/Error$/.test(reason)) return `${reason}: ${message}`;
  return undefined;
}

function lastWarning(look: Look, pod: string): string | undefined {
  const last = eventsOf(look, pod).findLast(({ reason = '' }) => /Failed|Unhealthy|BackOff/.test(reason));
  return last && `${last.reason}: ${last.message}`;
}

function eventsOf({ events }: Look, pod: string) {
  return events.is === 'hidden'
    ? []
    : events.value.filter(({ involvedObject }) => involvedObject.name === pod);
}

const subjects: readonly (readonly [RegExp, Subject])[] = [
  [/ErrImage|ImagePull|InvalidImage|pull image|image .* not present/, 'image'],
  [/exceeded quota/, 'quota'],
  [/violates PodSecurity/, 'security'],
  [/hostPath type check failed|persistentvolumeclaim|PersistentVolumeClaim|volume "skills"/, 'skills'],
  [/paddock-keys/, 'keys'],
  [/Unschedulable|FailedScheduling/, 'scheduling'],
  [/Unhealthy|probe failed/, 'probe'],
];

function aboutOf(said: string): Subject {
  const [, about = 'start'] = subjects.find(([pattern]) => pattern.test(said)) ?? [];
  return about;
}
