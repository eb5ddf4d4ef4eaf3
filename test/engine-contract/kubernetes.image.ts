import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { buildImage, makeDebianBase } from '../cluster/images.ts';

const root = dirname(dirname(import.meta.dirname));

/** Makes an image of the built sandbox server and nothing else, and puts it where the cluster pulls from. */
export async function pushServerImage(cluster: Cluster): Promise<string> {
  const context = mkdtempSync(join(tmpdir(), 'server-image-'));
  try {
    cpSync(join(root, 'dist/sandbox'), join(context, 'server'), { recursive: true });
    cpSync(realpathSync(process.execPath), join(context, 'node'));
    cpSync(join(import.meta.dirname, 'kubernetes.Dockerfile'), join(context, 'Dockerfile'));
    const content = createHash('sha256').update(readFileSync(join(context, 'server/main.cjs')));
    const tag = `docker.io/paddock/engine-test:${content.digest('hex').slice(0, 12)}`;
    await makeDebianBase();
    await buildImage({ tag, context });
    await cluster.pushImage(tag);
    return tag;
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}
