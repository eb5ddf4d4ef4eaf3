/** The images of the cluster's own pods. They are imported, not pulled: pods of kube-system must not wait for a registry. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from './command.ts';
import { packProgram, pushCommand } from './images.ts';
import { cacheFolder } from './layout.ts';
import type { Programs } from './programs.ts';

/** What holds a pod's namespaces. */
export const pauseImage = 'paddock.test/pause:cluster';

/** Makes the archives that are not in the cache. @returns their paths */
export async function systemImages(programs: Programs): Promise<string[]> {
  return [
    await archive(pauseImage, programs.pause, 'pause'),
    await archive('paddock.test/coredns:cluster', programs.coredns, 'coredns'),
    await archive(
      'paddock.test/kube-network-policies:cluster',
      programs.networkPolicies,
      'kube-network-policies',
    ),
  ];
}

async function archive(tag: string, folder: string, program: string): Promise<string> {
  const images = join(cacheFolder, 'cluster', 'system-images');
  // The folder's name has the key of what was built.
  const path = join(images, `${basename(folder)}.tar`);
  if (existsSync(path)) return path;
  mkdirSync(images, { recursive: true });
  await packProgram(tag, join(folder, program), program);
  const unfinished = `${path}.${process.pid}`;
  await run(pushCommand(tag, `oci-archive:${unfinished}:${tag}`));
  renameSync(unfinished, path);
  return path;
}
