import { posix } from 'node:path';
import type { Mount } from '../engine.ts';
import { isWithin, placeProblem } from '../local/mount-places.ts';

/** Folders of the node for one pod. */
export interface PodMounts {
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
  /** What was left out, each with its reason. */
  readonly leftOut: readonly string[];
}

/**
 * Decides which folders of its node a pod may have.
 *
 * Volumes are the configured roots, and what is asked for is a path within: the kubelet follows symbolic links of such a path
 * and refuses what leads out of the volume, whoever swaps a folder for a link meanwhile.
 *
 * @param roots folders below which everything may be mounted.
 */
export function podMounts(asked: readonly Mount[], roots: readonly string[]): PodMounts {
  const leftOut: string[] = [];
  const volumes = new Map<string, object>();
  const volumeMounts: object[] = [];
  const places = new Set<string>();
  for (const mount of asked) {
    const { hostPath, containerPath, readOnly } = mount;
    const root = rootOf(hostPath, roots);
    const problem = root === undefined ? notAllowed(hostPath) : problemOf(containerPath, places);
    if (root === undefined || problem !== undefined) {
      leftOut.push(`${containerPath} is left out: ${problem}`);
      continue;
    }
    places.add(containerPath);
    const name = `mount-root-${roots.indexOf(root)}`;
    volumes.set(name, { name, hostPath: { path: root, type: 'Directory' } });
    const subPath = posix.relative(root, hostPath);
    volumeMounts.push({ name, mountPath: containerPath, readOnly, ...(subPath !== '' && { subPath }) });
  }
  return { volumes: [...volumes.values()], volumeMounts, leftOut };
}

function rootOf(hostPath: string, roots: readonly string[]): string | undefined {
  const isPlain = hostPath.startsWith('/') && posix.normalize(hostPath) === hostPath;
  return isPlain ? roots.find((root) => isWithin(hostPath, root)) : undefined;
}

function notAllowed(hostPath: string): string {
  return `${hostPath} is not below a folder that mountRoots names`;
}

function problemOf(containerPath: string, places: ReadonlySet<string>): string | undefined {
  const nested = [...places].some(
    (place) => isWithin(place, containerPath) || isWithin(containerPath, place),
  );
  if (nested) return 'another mount is there';
  // The folder of skills is mounted read-only and as a whole: no place can be made in it.
  if (isWithin(containerPath, '/mnt/skills')) return 'the skills of a pod are mounted as a whole';
  return placeProblem(containerPath);
}
