import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import type { Mount } from '../engine.ts';
import { isWithin, placeProblem } from './mount-places.ts';

/** Linux's O_PATH, which Node does not name: a descriptor that only points at a file. */
const O_PATH = 0o10000000;

/** A mount that the configuration allows. */
export interface AdmittedMount {
  /** The path on the host, with every symbolic link resolved. */
  readonly source: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  /** Points at what was checked, whatever the path leads to later. */
  readonly fd: number;
}

export interface MountRules {
  /** Folders of the host below which everything may be mounted. */
  readonly roots: readonly string[];
  /** The gateway's own folder, which holds keys and the files of all sandboxes: never shown, wherever the roots are. */
  readonly dataDir: string;
}

/**
 * The mounts of one start of a server. What was checked is held by descriptors until it is disposed, and compared with
 * what the sandbox got before anything runs in it: whoever can write to a root, such as another sandbox, may swap a folder for a
 * link at any moment, and bubblewrap takes paths.
 */
export class Mounts implements Disposable {
  /** Outer ones first. */
  readonly admitted: readonly AdmittedMount[];
  /** What was left out, each with its reason. */
  readonly leftOut: readonly string[];

  private constructor(admitted: readonly AdmittedMount[], leftOut: readonly string[]) {
    this.admitted = admitted;
    this.leftOut = leftOut;
  }

  /** Leaves all of them out. */
  static none(asked: readonly Mount[], reason: string): Mounts {
    return new Mounts(
      [],
      asked.map(({ containerPath }) => leftOut(containerPath, reason)),
    );
  }

  /** Decides which of the mounts a sandbox may have. */
  static admit(asked: readonly Mount[], rules: MountRules): Mounts {
    const admitted: AdmittedMount[] = [];
    const refused: string[] = [];
    // A mount hides what was mounted below its place before.
    const depth = ({ containerPath }: Mount) => containerPath.split('/').length;
    for (const mount of asked.toSorted((a, b) => depth(a) - depth(b))) {
      const result = admitOne(mount, admitted, rules);
      if (typeof result === 'string') refused.push(leftOut(mount.containerPath, result));
      else admitted.push(result);
    }
    return new Mounts(admitted, refused);
  }

  /**
   * Makes sure that a sandbox sees what was checked.
   *
   * @param pid of a process in it.
   * @throws {Error} when a path led elsewhere meanwhile: the sandbox must not be used.
   */
  check(pid: number): void {
    for (const { containerPath, fd } of this.admitted) {
      const seen = statSync(`/proc/${pid}/root${containerPath}`, { bigint: true });
      const meant = fstatSync(fd, { bigint: true });
      if (seen.dev !== meant.dev || seen.ino !== meant.ino)
        throw new Error(`what was to be mounted at ${containerPath} changed meanwhile`);
    }
  }

  /**
   * The mounts that the sandbox's user has no right to use, each in a sentence: files keep their owners, and that user is
   * none of them where each sandbox is another user of the machine.
   *
   * @param uid the machine's user that the sandbox is; undefined when it is the gateway's own.
   */
  async unusable(uid: number | undefined): Promise<string[]> {
    const told = this.admitted.map(async ({ containerPath, source, readOnly, fd }) => {
      const rights = `${readOnly ? 'r' : 'rw'}${fstatSync(fd).isDirectory() ? 'x' : ''}`;
      if (await hasRights(fd, rights, uid)) return [];
      const what = readOnly ? 'read' : 'write to';
      const user =
        uid === undefined ? 'the user of the gateway' : `user ${uid}, who is a new one for each sandbox`;
      return [
        `${containerPath} is mounted, but its commands cannot ${what} it: they run as ${user}. Open ${source} to that user on the host, or run the gateway as its owner.`,
      ];
    });
    return (await Promise.all(told)).flat();
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.admitted) closeSync(fd);
  }
}

function leftOut(containerPath: string, reason: string): string {
  return `${containerPath} is left out: ${reason}`;
}

/** The mount, or why it is not to be. */
function admitOne(
  { hostPath, containerPath, readOnly }: Mount,
  outer: readonly AdmittedMount[],
  { roots, dataDir }: MountRules,
): AdmittedMount | string {
  const problem = placeProblem(containerPath);
  if (problem) return problem;
  if (outer.some((mount) => mount.containerPath === containerPath)) return 'it is asked for twice';
  // One answer for what is not there and what is not allowed: callers must not learn what the host has elsewhere.
  const refused = `${hostPath} is not below a folder that mountRoots names, or is not there`;
  const fd = pin(hostPath);
  if (fd === undefined) return refused;
  const source = readlinkSync(`/proc/self/fd/${fd}`);
  const isAllowed =
    hostPath.startsWith('/') &&
    roots.some((root) => isWithin(source, resolved(root))) &&
    !isWithin(source, resolved(dataDir)) &&
    !isWithin(resolved(dataDir), source);
  const reason = isAllowed ? (kindProblem(fd) ?? nestingProblem(fd, containerPath, outer)) : refused;
  if (reason === undefined) return { source, containerPath, readOnly, fd };
  closeSync(fd);
  return reason;
}

function pin(path: string): number | undefined {
  try {
    return openSync(path, O_PATH);
  } catch {
    return undefined; // Not there, or closed to the gateway.
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // Not there: nothing is below it.
  }
}

function kindProblem(fd: number): string | undefined {
  const stats = fstatSync(fd);
  return stats.isDirectory() || stats.isFile() ? undefined : 'it is no folder and no file';
}

/**
 * bubblewrap makes the place of a mount where it is missing: below another mount that would be on the host, by way of
 * whatever links lie there. So the place must be there, and outside of what the sandbox can change.
 */
function nestingProblem(
  fd: number,
  containerPath: string,
  outer: readonly AdmittedMount[],
): string | undefined {
  const around = outer.findLast((mount) => isWithin(containerPath, mount.containerPath));
  if (!around) return undefined;
  if (!around.readOnly) return `it lies in ${around.containerPath}, which can be written to`;
  const below = containerPath.slice(around.containerPath.length + 1).split('/');
  const kind = fstatSync(fd).isDirectory();
  return hasPlace(around.fd, below, kind) ? undefined : `${around.containerPath} has no place for it`;
}

/** Whether a folder holds a path, without a link on the way, that ends in a folder or in a file. */
function hasPlace(folder: number, [name = '', ...rest]: readonly string[], endsInFolder: boolean): boolean {
  let fd: number;
  try {
    fd = openSync(`/proc/self/fd/${folder}/${name}`, O_PATH | constants.O_NOFOLLOW);
  } catch {
    return false; // Not there.
  }
  try {
    const stats = fstatSync(fd);
    if (rest.length > 0) return stats.isDirectory() && hasPlace(fd, rest, endsInFolder);
    return endsInFolder ? stats.isDirectory() : stats.isFile();
  } finally {
    closeSync(fd);
  }
}

/** Whether a user of the machine may do all of `r`, `w` and `x` with what a descriptor points at. */
async function hasRights(fd: number, rights: string, uid: number | undefined): Promise<boolean> {
  const become =
    uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const tests = Array.from(rights, (right) => `[ -${right} /proc/self/fd/3 ]`).join(' && ');
  const [program = 'sh', ...args] = [...become, 'sh', '-c', tests];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0));
  });
}
