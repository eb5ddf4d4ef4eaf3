/** Objects of the API, as far as they are looked at. */
import * as z from 'zod/mini';

const text = z.optional(z.string());
const texts = z.optional(z.record(z.string(), z.string()));
const number = z.optional(z.number());

const metadata = z.object({
  name: z.string(),
  namespace: text,
  generation: number,
  creationTimestamp: text,
  deletionTimestamp: text,
  labels: texts,
  annotations: texts,
});
const condition = z.object({ type: z.string(), status: z.string(), reason: text, message: text });
const conditions = z.optional(z.array(condition));

export const versionSchema = z.object({
  clientVersion: z.object({ gitVersion: z.string() }),
  serverVersion: z.optional(z.object({ gitVersion: z.string() })),
});

export const namespaceSchema = z.object({ metadata, status: z.optional(z.object({ phase: text })) });
export type Namespace = z.output<typeof namespaceSchema>;

export const nodeSchema = z.object({
  metadata,
  spec: z.object({ providerID: text }),
  status: z.object({ nodeInfo: z.object({ kubeletVersion: z.string(), osImage: z.string() }) }),
});
export type Node = z.output<typeof nodeSchema>;

export const definitionSchema = z.object({
  metadata,
  spec: z.object({ versions: z.array(z.object({ name: z.string(), served: z.boolean() })) }),
  status: z.optional(z.object({ conditions })),
});
export type Definition = z.output<typeof definitionSchema>;

const waiting = z.object({ reason: text, message: text });
const terminated = z.object({ reason: text, exitCode: number });
const containerState = z.optional(
  z.object({ waiting: z.optional(waiting), terminated: z.optional(terminated) }),
);
const containerStatus = z.object({
  name: z.string(),
  /** Empty until the node has the image. */
  imageID: text,
  state: containerState,
  lastState: containerState,
});
const environment = z.array(z.object({ name: z.string(), value: text }));
const container = z.object({
  name: z.string(),
  image: text,
  command: z.optional(z.array(z.string())),
  args: z.optional(z.array(z.string())),
  env: z.optional(environment),
  resources: z.optional(z.object({ requests: texts, limits: texts })),
});
const volume = z.object({
  name: z.string(),
  hostPath: z.optional(z.object({ path: z.string() })),
  persistentVolumeClaim: z.optional(z.object({ claimName: z.string() })),
});

export const podSchema = z.object({
  metadata,
  spec: z.object({ containers: z.array(container), nodeName: text }),
  status: z.object({
    phase: text,
    podIP: text,
    conditions,
    containerStatuses: z.optional(z.array(containerStatus)),
  }),
});
export type Pod = z.output<typeof podSchema>;

export const deploymentSchema = z.object({
  metadata,
  spec: z.object({
    replicas: number,
    template: z.object({
      spec: z.object({ containers: z.array(container), volumes: z.optional(z.array(volume)) }),
    }),
  }),
  status: z.optional(
    z.object({
      observedGeneration: number,
      replicas: number,
      updatedReplicas: number,
      availableReplicas: number,
      conditions,
    }),
  ),
});
export type Deployment = z.output<typeof deploymentSchema>;

export const serviceSchema = z.object({
  metadata,
  spec: z.object({
    clusterIP: text,
    type: text,
    selector: texts,
    ports: z.optional(z.array(z.object({ port: z.number() }))),
  }),
});
export type Service = z.output<typeof serviceSchema>;

export const endpointSliceSchema = z.object({
  endpoints: z.nullish(z.array(z.object({ addresses: z.array(z.string()) }))),
});

export const quotaSchema = z.object({
  metadata,
  status: z.optional(z.object({ hard: texts, used: texts })),
});
export type Quota = z.output<typeof quotaSchema>;

export const policySchema = z.object({ metadata });
export type Policy = z.output<typeof policySchema>;

export const eventSchema = z.object({
  involvedObject: z.object({ kind: text, name: text }),
  reason: text,
  message: text,
  lastTimestamp: z.nullish(z.string()),
  eventTime: z.nullish(z.string()),
  metadata,
});
export type Event = z.output<typeof eventSchema>;

export const leaseSchema = z.object({
  spec: z.object({ holderIdentity: text, renewTime: text, leaseDurationSeconds: number }),
});
export type Lease = z.output<typeof leaseSchema>;

export const kubeletSchema = z.object({ kubeletconfig: z.object({ podPidsLimit: number }) });

/** What kubectl prints for several objects. */
export const listSchema = z.object({ items: z.array(z.unknown()) });
/** An object of any kind. */
export const objectSchema = z.looseObject({ kind: z.string() });
