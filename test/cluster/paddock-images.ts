/** The project's own images, as its Dockerfiles make them of the files that are here now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import { buildImage, debianBase, makeDebianBase } from './images.ts';
import { lock } from './lock.ts';

const root = join(import.meta.dirname, '../..');
const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The images' names, as the manifests have them. */
export const sandboxImage = `paddock/sandbox:${version}`;
export const gatewayImage = `paddock/gateway:${version}`;

/** Builds both images; what has not changed since the last time is taken from the store. */
export async function buildPaddockImages(say: (line: string) => void = () => {}): Promise<void> {
  await using _building = await lock('cluster-images');
  await makeDebianBase();
  say(`building ${sandboxImage} …`);
  await buildOne(sandboxImage, 'sandbox', 'slim');
  say(`building ${gatewayImage} …`);
  await buildOne(gatewayImage, 'gateway');
}

/** Builds the sandbox's image with Jupyter and Chromium in it, as `TAG-full`. @returns its name */
export async function buildFullImage(): Promise<string> {
  await makeDebianBase();
  const image = `${sandboxImage}-full`;
  await buildOne(image, 'sandbox', 'full');
  return image;
}

/** Puts both images, which have been built, into a cluster's registry. */
export async function pushPaddockImages(cluster: Cluster): Promise<void> {
  for (const image of [sandboxImage, gatewayImage]) await cluster.pushImage(storedName(image));
}

async function buildOne(image: string, folder: string, target?: string): Promise<void> {
  await buildImage({
    tag: storedName(image),
    context: root,
    dockerfile: join(root, 'docker', folder, 'Dockerfile'),
    args: { BASE: debianBase, VERSION: version },
    ...(target !== undefined && { target }),
  });
}

/** The name under which the store of this machine has an image of the registry. */
export function storedName(image: string): string {
  return `docker.io/${image}`;
}
