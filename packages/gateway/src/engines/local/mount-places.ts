import { posix } from 'node:path';

/**
 * What a sandbox itself is made of, or can write to: a mount below a folder that its user can change would have
 * bubblewrap follow links that the user has put there.
 */
const taken = [
  ...[
    '/proc',
    '/dev',
    '/sys',
    '/usr',
    '/bin',
    '/sbin',
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/etc',
    '/run',
  ],
  ...['/opt/paddock', '/home/sandbox', '/tmp', '/mnt/skills', '/mnt/user-data'],
];

/** Places in there that are made to be mounted over. */
const offered: ReadonlySet<string> = new Set([
  ...['/mnt/skills/custom', '/mnt/skills/integrations'],
  ...['/mnt/user-data/workspace', '/mnt/user-data/uploads', '/mnt/user-data/outputs'],
]);

/** Why nothing of the host may be mounted at a path of a sandbox; undefined where it may. */
export function placeProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'the path is not absolute';
  if (posix.normalize(path) !== path || (path.endsWith('/') && path !== '/'))
    return 'the path is not normalised';
  if (offered.has(path)) return undefined;
  const inTheWay = taken.find((tree) => isWithin(path, tree) || isWithin(tree, path));
  return inTheWay && `the sandbox's own ${inTheWay} is there`;
}

/** Whether a path is a folder or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}
