/** On Kubernetes: what a node has to fetch for our images, and how long a pod of the pool takes until it can be claimed. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Cluster, startCluster } from '../../test/cluster/cluster.ts';
import { run } from '../../test/cluster/command.ts';
import { debianBase, pushCommand } from '../../test/cluster/images.ts';
import { whyNoCluster } from '../../test/cluster/packages.ts';
import {
  buildPaddockImages,
  gatewayImage,
  pushPaddockImages,
  sandboxImage,
  storedName,
} from '../../test/cluster/paddock-images.ts';
import { apart, type Contest, type Row, timed } from '../row.ts';

const root = join(import.meta.dirname, '../..');

/** None where no cluster can be started. */
export const podRows: readonly Row[] =
  whyNoCluster() === undefined
    ? [
        sizeRow('image of the sandbox, compressed', sandboxImage),
        sizeRow('image of the gateway, compressed', gatewayImage),
        { name: 'pod of the pool, to ready', unit: 'ms', runs: 10, block: 1, prepare: preparePods },
      ]
    : [];

function sizeRow(name: string, image: string): Row {
  const prepare = async () => {
    await buildPaddockImages();
    return await apart(
      () => compressedMib(storedName(image)),
      () => compressedMib(debianBase),
    )();
  };
  return { name, unit: 'MiB', runs: 1, block: 1, warmUps: 0, prepare };
}

async function compressedMib(tag: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-image-'));
  try {
    const archive = join(folder, 'image.tar');
    await run(pushCommand(tag, `oci-archive:${archive}`));
    return statSync(archive).size / 2 ** 20;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A pod as the pool has it, beside one of the same image that sleeps and is ready when it runs. */
async function preparePods(): Promise<Contest> {
  await buildPaddockImages();
  const cluster = await startCluster({ name: `bench-${process.pid}` });
  try {
    await pushPaddockImages(cluster);
    await cluster.kubectlRun(['create', 'configmap', 'paddock-keys', '--from-literal=public.json={}']);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  const { container, ...spec } = poolPod();
  const { startupProbe, readinessProbe, livenessProbe, ...rest } = container;
  const probes = { startupProbe, readinessProbe, livenessProbe };
  let count = 0;
  const figure = (containers: object[]) => {
    count += 1;
    return untilReady(cluster, `pod-${count}`, { ...spec, terminationGracePeriodSeconds: 0, containers });
  };
  return {
    ours: () => figure([{ ...rest, ...probes }]),
    baseline: () => figure([{ ...rest, command: ['sleep', '3600'] }]),
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

interface PodSpec {
  readonly containers: readonly Record<string, unknown>[];
  readonly volumes: readonly { readonly name: string }[];
}

function poolPod() {
  const text = readFileSync(join(root, 'docker/k8s/sandbox-deployment.yaml'), 'utf8');
  const deployment: { spec: { template: { spec: PodSpec } } } = parse(text);
  const { containers, volumes, ...spec } = deployment.spec.template.spec;
  const [container] = containers;
  if (!container) throw new Error('the pool has no container');
  const skills = { name: 'skills', emptyDir: {} };
  return {
    ...spec,
    container,
    volumes: volumes.map((volume) => (volume.name === 'skills' ? skills : volume)),
  };
}

/** From the wish for a pod to its being ready; then it is removed. */
async function untilReady(cluster: Cluster, name: string, spec: object): Promise<number> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  const tookMs = await timed(async () => {
    await cluster.kubectlRun(['create', '--filename=-'], { input });
    await cluster.kubectlRun(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s']);
  });
  await cluster.kubectlRun(['delete', 'pod', name, '--now', '--wait=true']);
  return tookMs;
}
