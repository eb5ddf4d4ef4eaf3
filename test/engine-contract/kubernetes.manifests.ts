/** The manifests of docker/k8s as the pools of tests have them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod/mini';

const root = dirname(dirname(import.meta.dirname));

const container = z.looseObject({ image: z.string() });
const podShape = z.looseObject({
  containers: z.array(container),
  volumes: z.array(z.looseObject({ name: z.string() })),
});
const deploymentShape = z.looseObject({
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: podShape,
    }),
  }),
});
type PodSpec = z.output<typeof podShape>;

/** How a pool differs from the one of docker/k8s. */
export interface PoolOptions {
  readonly namespace: string;
  readonly image: string;
  readonly replicas: number;
  /** It is the pool of this template. */
  readonly template?: string;
  /** Replaces fields of its pods. */
  readonly pod?: Readonly<Record<string, unknown>>;
  /** Replaces fields of their container. */
  readonly container?: Readonly<Record<string, unknown>>;
}

/** The name of the Deployment that is a template's pool. */
export function poolName(template: string): string {
  return `${template}-sandbox`;
}

/** The Deployment of a pool: as docker/k8s has it, but for the image, the skills and what it asks of its node. */
export function poolManifest({ namespace, replicas, template, ...options }: PoolOptions) {
  const { metadata, spec, ...rest } = deploymentShape.parse(manifests('sandbox-deployment.yaml')[0]);
  const named = template === undefined ? {} : { 'paddock.dev/template': template };
  const { template: pods, selector } = spec;
  return {
    ...rest,
    metadata: {
      ...metadata,
      namespace,
      ...(template !== undefined && { name: poolName(template) }),
      labels: { ...metadata.labels, ...named },
    },
    spec: {
      ...spec,
      replicas,
      selector: { matchLabels: { ...selector.matchLabels, ...named } },
      template: {
        ...pods,
        metadata: { ...pods.metadata, labels: { ...pods.metadata.labels, ...named } },
        spec: adapted(pods.spec, options),
      },
    },
  };
}

/** The objects of a file of docker/k8s. */
export function manifests(file: string): unknown[] {
  const text = readFileSync(join(root, 'docker/k8s', file), 'utf8');
  return text.split(/^---$/m).map((part) => parse(part));
}

function adapted(spec: PodSpec, options: Pick<PoolOptions, 'image' | 'pod' | 'container'>): PodSpec {
  return {
    ...spec,
    containers: spec.containers.map((each) => ({
      ...each,
      image: options.image,
      // Many at once on a small machine.
      resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '512Mi' } },
      ...options.container,
    })),
    volumes: spec.volumes.map((volume) =>
      volume.name === 'skills' ? { name: 'skills', emptyDir: {} } : volume,
    ),
    ...options.pod,
  };
}
