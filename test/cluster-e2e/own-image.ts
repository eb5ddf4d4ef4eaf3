import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { buildImage } from '../cluster/images.ts';

/** Builds an image of a Dockerfile's text and puts it into the cluster's registry. */
export async function pushImageOf(cluster: Cluster, tag: string, dockerfile: string): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'image-'));
  try {
    writeFileSync(join(context, 'Dockerfile'), dockerfile);
    await buildImage({ tag: `docker.io/${tag}`, context });
  } finally {
    rmSync(context, { recursive: true });
  }
  await cluster.pushImage(`docker.io/${tag}`);
}
