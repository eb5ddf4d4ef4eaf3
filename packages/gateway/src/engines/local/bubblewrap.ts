import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The user that a sandbox's processes are, inside. */
export const sandboxUser = { name: 'sandbox', uid: 1000, gid: 1000, home: '/home/sandbox' };

/** Where things lie inside a sandbox. */
export const inside = {
  node: '/opt/paddock/bin/node',
  server: '/opt/paddock/server/main.cjs',
  run: '/run/paddock',
  socket: '/run/paddock/server.sock',
  workspace: '/mnt/user-data/workspace',
  systemPath: [
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
    '/opt/paddock/bin',
  ],
};

/** Folders on the machine that a sandbox's own files live in. */
export interface SandboxFolders {
  readonly home: string;
  readonly tmp: string;
  readonly run: string;
  readonly workspace: string;
  readonly uploads: string;
  readonly outputs: string;
}

export interface Enclosure {
  readonly folders: SandboxFolders;
  /** Files that stand in for the machine's own in /etc, by their path inside. */
  readonly systemFiles: Readonly<Record<string, string>>;
  readonly skillsPath: string;
  readonly nodePath: string;
  readonly serverFolder: string;
  readonly sharesNetwork: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** The machine's user to become. Only root can; a user's sandboxes run as that user. */
  readonly hostUid: number | undefined;
  /** Folders and files of the machine to show, outer ones first. */
  readonly mounts: readonly ExtraMount[];
}

interface ExtraMount {
  readonly source: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
}

/**
 * What programs need of /etc. An allow-list: what else lies there may be the machine's own business.
 */
const etc = [
  ...[
    'alternatives',
    'bash.bashrc',
    'ca-certificates',
    'ca-certificates.conf',
    'fonts',
    'inputrc',
    'ld.so.cache',
  ],
  ...[
    'ld.so.conf',
    'ld.so.conf.d',
    'localtime',
    'mime.types',
    'npmrc',
    'nsswitch.conf',
    'pip.conf',
    'os-release',
    'pki',
    'protocols',
  ],
  ...['services', 'ssl/certs', 'ssl/openssl.cnf', 'terminfo', 'timezone'],
];
const etcOfRuntimes = /^(python|java-)/;

/**
 * The options of bubblewrap for a sandbox: own pid, ipc, uts, mount, cgroup and user namespaces, a
 * read-only system, and only the sandbox's own folders writable.
 *
 * The server runs in a user namespace of its own inside the one that owns the mounts and the network, so that its user
 * cannot change either. As root the machine's user is dropped first: no file of root's may count as the sandbox's own.
 */
export function bubblewrapOptions(
  enclosure: Enclosure,
  fds: { info: number; block: number; seccomp?: number },
): string[] {
  const asRoot = enclosure.hostUid !== undefined;
  return [
    ...(asRoot ? [] : ['--unshare-user', '--uid', '0', '--gid', '0']),
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(enclosure.sharesNetwork ? [] : ['--unshare-net']),
    ...[
      '--die-with-parent',
      '--new-session',
      '--hostname',
      'sandbox',
      '--info-fd',
      String(fds.info),
      '--block-fd',
      String(fds.block),
    ],
    ...(fds.seccomp === undefined ? [] : ['--seccomp', String(fds.seccomp)]),
    ...['--cap-drop', 'ALL', ...capabilities(asRoot).flatMap((name) => ['--cap-add', name])],
    '--clearenv',
    ...Object.entries(enclosure.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...mounts(enclosure),
    ...['--chdir', inside.workspace],
  ];
}

/** The command that bubblewrap runs: the server, as the sandbox's user. */
export function serverCommand(hostUid: number | undefined): string[] {
  return [...becomeUser(hostUid), inside.node, inside.server];
}

/** What the last step before the server needs, which itself keeps none. */
function capabilities(asRoot: boolean): string[] {
  // A user namespace may map its parent's uid 0 only for one who holds CAP_SETFCAP there.
  return asRoot ? ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'] : ['CAP_SETFCAP'];
}

function becomeUser(hostUid: number | undefined): string[] {
  const { uid, gid } = sandboxUser;
  const enter = ['/usr/bin/unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'];
  if (hostUid === undefined) return enter;
  const drop = ['/usr/bin/setpriv', `--reuid=${hostUid}`, `--regid=${hostUid}`, '--clear-groups'];
  return [...drop, '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--', ...enter];
}

function mounts(enclosure: Enclosure): string[] {
  const { folders, systemFiles, nodePath, serverFolder } = enclosure;
  const folder = (path: string) => ['--dir', path];
  return [
    ...system(),
    ...['--proc', '/proc', '--dev', '/dev'],
    // The kernel's settings are root's by number, whatever rights that root has: in `unshare -r` the sandbox is that one.
    ...['--ro-bind-try', '/proc/sys', '/proc/sys'],
    ...['--perms', '1777', '--tmpfs', '/dev/shm'], // That of --dev belongs to bubblewrap's own user.
    // Made one by one: a parent that bubblewrap makes by itself is closed to everyone but its owner.
    ...[
      '/etc',
      '/etc/ssl',
      '/mnt',
      '/mnt/user-data',
      '/run',
      '/home',
      '/opt',
      '/opt/paddock',
      '/opt/paddock/bin',
    ].flatMap(folder),
    ...['/var', '/var/tmp', '/var/log', '/var/cache', '/root'].flatMap(folder),
    ...[...etc, ...readdirSync('/etc').filter((name) => etcOfRuntimes.test(name))].flatMap((name) => [
      '--ro-bind-try',
      `/etc/${name}`,
      `/etc/${name}`,
    ]),
    ...Object.entries(systemFiles).flatMap(([path, source]) => ['--ro-bind', source, path]),
    ...['--ro-bind', nodePath, inside.node, '--ro-bind', serverFolder, '/opt/paddock/server'],
    ...skills(enclosure),
    ...[
      '--bind',
      folders.home,
      sandboxUser.home,
      '--bind',
      folders.tmp,
      '/tmp',
      '--bind',
      folders.run,
      inside.run,
    ],
    ...(['workspace', 'uploads', 'outputs'] as const).flatMap((name) => [
      '--bind',
      folders[name],
      `/mnt/user-data/${name}`,
    ]),
    ...enclosure.mounts.flatMap((mount, i) => extraMount(mount, enclosure.mounts.slice(0, i))),
    ...['--remount-ro', '/'],
  ];
}

/** The folder of skills; entry by entry where something else is to be mounted into it, since the folder is read-only. */
function skills({ skillsPath, mounts }: Enclosure): string[] {
  const path = (name: string) => `/mnt/skills/${name}`;
  if (!mounts.some(({ containerPath }) => containerPath.startsWith(path(''))))
    return ['--ro-bind', skillsPath, '/mnt/skills'];
  const entries = readdirSync(skillsPath, { withFileTypes: true })
    .filter(({ name }) => !mounts.some(({ containerPath }) => containerPath === path(name)))
    .flatMap((entry) => {
      const source = join(skillsPath, entry.name);
      return entry.isSymbolicLink()
        ? ['--symlink', readlinkSync(source), path(entry.name)]
        : ['--ro-bind', source, path(entry.name)];
    });
  return ['--dir', '/mnt/skills', ...entries];
}

function extraMount({ source, containerPath, readOnly }: ExtraMount, outer: readonly ExtraMount[]): string[] {
  const parents = containerPath
    .split('/')
    .slice(1, -1)
    .map((_, i, names) => `/${names.slice(0, i + 1).join('/')}`)
    .filter((path) => !outer.some((mount) => `${path}/`.startsWith(`${mount.containerPath}/`)));
  return [
    ...parents.flatMap((path) => ['--dir', path]),
    ...[readOnly ? '--ro-bind' : '--bind', source, containerPath],
  ];
}

/** The system's programs and libraries, laid out as the machine has them. */
function system(): string[] {
  const roots = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
  return ['--ro-bind', '/usr', '/usr', ...roots.flatMap(systemRoot)];
}

function systemRoot(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
