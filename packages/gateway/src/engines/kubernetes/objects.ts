/** Objects of the API, as far as they are read here. What else they have is kept, for what is written back. */
import * as z from 'zod/mini';

const text = z.optional(z.string());
const texts = z.optional(z.record(z.string(), z.string()));

const ownerReference = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.optional(z.boolean()),
});
export type OwnerReference = z.output<typeof ownerReference>;

const metadata = z.object({
  name: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  creationTimestamp: z.string(),
  deletionTimestamp: text,
  labels: texts,
  annotations: texts,
  ownerReferences: z.optional(z.array(ownerReference)),
});

const ended = z.object({ reason: text, message: text, exitCode: z.optional(z.number()) });
const state = z.object({
  waiting: z.optional(z.object({ reason: text, message: text })),
  running: z.optional(z.object({ startedAt: text })),
  terminated: z.optional(ended),
});
const containerStatus = z.object({
  name: z.string(),
  containerID: text,
  restartCount: z.number(),
  state: z.optional(state),
  lastState: z.optional(state),
});
export type ContainerStatus = z.output<typeof containerStatus>;

const condition = z.object({ type: z.string(), status: z.string(), reason: text, message: text });

export const podSchema = z.object({
  metadata,
  spec: z.object({
    containers: z.array(z.object({ name: z.string() })),
    nodeName: text,
  }),
  status: z.object({
    phase: text,
    reason: text,
    message: text,
    podIP: text,
    startTime: text,
    conditions: z.optional(z.array(condition)),
    initContainerStatuses: z.optional(z.array(containerStatus)),
    containerStatuses: z.optional(z.array(containerStatus)),
  }),
});
export type Pod = z.output<typeof podSchema>;

export const replicaSetSchema = z.object({
  metadata,
  spec: z.object({ replicas: z.optional(z.number()) }),
  status: z.object({ replicas: z.number(), conditions: z.optional(z.array(condition)) }),
});
export type ReplicaSet = z.output<typeof replicaSetSchema>;

export const deploymentSchema = z.object({
  metadata,
  spec: z.object({
    replicas: z.optional(z.number()),
    selector: z.object({ matchLabels: texts }),
    template: z.object({
      metadata: z.optional(z.object({ labels: texts, annotations: texts })),
      spec: z.looseObject({
        containers: z.array(z.looseObject({ volumeMounts: z.optional(z.array(z.unknown())) })),
        volumes: z.optional(z.array(z.unknown())),
      }),
    }),
  }),
});
export type Deployment = z.output<typeof deploymentSchema>;

const mount = z.object({
  hostPath: z.string(),
  containerPath: z.string(),
  readOnly: z._default(z.boolean(), false),
});
const notes = z.object({
  metadata: texts,
  threadId: text,
  userId: text,
  idleSeconds: z.optional(z.number()),
  expiry: z.optional(z.object({ atMs: z.number(), setMs: z.number() })),
  lastUsedMs: z.optional(z.number()),
});

/** Whoever may write Sandboxes may write anything into one: it is read as leniently as it can be acted upon. */
export const sandboxSchema = z.object({
  metadata,
  spec: z.object({
    id: z.string(),
    owner: z._default(z.string(), 'owner'),
    template: text,
    /** A hint, until the pod's label and the UID among its owners agree. */
    podName: text,
    expiresAt: text,
    mounts: z.optional(z.array(mount)),
    notes: z.optional(notes),
  }),
  status: z.optional(z.looseObject({ phase: text, reason: text })),
});
export type Sandbox = z.output<typeof sandboxSchema>;

export const eventListSchema = z.object({
  items: z.array(z.object({ type: text, reason: text, message: text, metadata })),
});

/** What is read of an answer that nobody reads. */
export const anything = z.unknown();
