/** The objects that are written. */
import type { Claim } from '../engine.ts';
import {
  group,
  keepAnnotations,
  madeFromAnnotation,
  sandboxLabel,
  templateHashLabel,
  version,
} from './names.ts';
import type { Deployment, OwnerReference, Pod, Sandbox } from './objects.ts';
import type { PodMounts } from './pod-mounts.ts';

/**
 * The Sandbox of a claim. The Deployment owns it, so that deleting that ends its sandboxes; not as its controller, which
 * it is of ReplicaSets.
 */
export function sandboxOf(claim: Claim, podName: string, deployment: Deployment, nowMs: number) {
  const { name, id, owner, template, mounts, notes, maxLifeSeconds = 0 } = claim;
  const { metadata } = deployment;
  return {
    apiVersion: `${group}/${version}`,
    kind: 'Sandbox',
    metadata: {
      name,
      labels: { app: metadata.name },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: metadata.name, uid: metadata.uid },
      ],
    },
    spec: {
      id,
      owner,
      podName,
      ...(template !== undefined && { template }),
      ...(mounts && { mounts }),
      ...(notes && { notes }),
      ...(maxLifeSeconds > 0 && { expiresAt: new Date(nowMs + maxLifeSeconds * 1000).toISOString() }),
    },
  };
}

/** The patch that makes a free pod a Sandbox's, provided that it is still what it was. */
export function claimPatch(pod: Pod, sandbox: Sandbox, nowMs: number) {
  const { resourceVersion, labels, ownerReferences = [] } = pod.metadata;
  const madeFrom = labels?.[templateHashLabel];
  // It counts from the start of the pod, not from the claim.
  const deadline = lifeLeft(sandbox, Date.parse(pod.status.startTime ?? '') || nowMs);
  return {
    metadata: {
      resourceVersion,
      labels: { [templateHashLabel]: null, [sandboxLabel]: sandbox.metadata.name },
      annotations: { ...keepAnnotations, ...(madeFrom !== undefined && { [madeFromAnnotation]: madeFrom }) },
      // The ReplicaSet lets go of its own reference: without the label the pod is none of its. Were we to take that off,
      // a claim in the middle of a scale-down would leave it waiting for a pod that never ends.
      ownerReferences: [...ownerReferences, referenceTo(sandbox)],
    },
    ...(deadline !== undefined && { spec: { activeDeadlineSeconds: deadline } }),
  };
}

export interface ColdPodOptions {
  readonly sandbox: Sandbox;
  readonly name: string;
  readonly deployment: Deployment;
  /** The hash of the template that pods of the Deployment are made from now. */
  readonly madeFrom: string | undefined;
  readonly mounts: PodMounts;
  readonly nowMs: number;
}

/** A pod for one Sandbox from the start, made as the pool's are. */
export function coldPod({ sandbox, name, deployment, madeFrom, mounts, nowMs }: ColdPodOptions) {
  const { template } = deployment.spec;
  const { containers, volumes = [] } = template.spec;
  const [server, ...others] = containers;
  const { labels, annotations } = template.metadata ?? {};
  const deadline = lifeLeft(sandbox, nowMs);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { ...labels, [sandboxLabel]: sandbox.metadata.name },
      annotations: {
        ...annotations,
        ...keepAnnotations,
        ...(madeFrom !== undefined && { [madeFromAnnotation]: madeFrom }),
      },
      ownerReferences: [referenceTo(sandbox)],
    },
    spec: {
      ...template.spec,
      volumes: [...volumes, ...mounts.volumes],
      containers: [
        { ...server, volumeMounts: [...(server?.volumeMounts ?? []), ...mounts.volumeMounts] },
        ...others,
      ],
      ...(deadline !== undefined && { activeDeadlineSeconds: deadline }),
    },
  };
}

/** What deletes exactly one object and none that took its name. */
export function deletion(uid: string, graceSeconds?: number) {
  return {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    preconditions: { uid },
    propagationPolicy: 'Background',
    ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
  };
}

/** The references of a pod once its Sandbox is its controller: without one, `kubectl drain` refuses the node. */
export function controlledBy(sandbox: Sandbox, references: readonly OwnerReference[]) {
  const { uid } = sandbox.metadata;
  return references.map((reference) =>
    reference.uid === uid ? { ...reference, controller: true, blockOwnerDeletion: false } : reference,
  );
}

function referenceTo({ metadata }: Sandbox): OwnerReference {
  return {
    apiVersion: `${group}/${version}`,
    kind: 'Sandbox',
    name: metadata.name,
    uid: metadata.uid,
  };
}

/** Seconds from a time to the Sandbox's end; undefined where it has none. */
function lifeLeft({ spec }: Sandbox, fromMs: number): number | undefined {
  if (spec.expiresAt === undefined) return undefined;
  return Math.max(1, Math.ceil((Date.parse(spec.expiresAt) - fromMs) / 1000));
}
