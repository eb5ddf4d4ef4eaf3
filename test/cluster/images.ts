/** Images without a daemon and without a registry in reach: a base made of the system's packages, Dockerfiles built on it. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runToEnd } from './command.ts';
import { cacheFolder } from './layout.ts';

/** The name under which the base is found: what a Dockerfile says FROM. */
export const debianBase = 'docker.io/library/debian:bookworm-slim';

/** Where images are kept between runs. */
const store = join(cacheFolder, 'cluster', 'images');

const certificates = '/etc/ssl/certs';

/** What to build. */
interface ImageBuild {
  readonly tag: string;
  readonly context: string;
  /** Default: `Dockerfile` in the context. */
  readonly dockerfile?: string;
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
}

/** Builds a Dockerfile; steps that were built before are taken from the store. Throws CommandFailed with the build's output. */
export async function buildImage(build: ImageBuild): Promise<void> {
  using builder = openBuilder();
  const options = [
    `--file=${build.dockerfile ?? join(build.context, 'Dockerfile')}`,
    `--tag=${build.tag}`,
    ...(build.target === undefined ? [] : [`--target=${build.target}`]),
    ...Object.entries(build.args ?? {}).map(([name, value]) => `--build-arg=${name}=${value}`),
  ];
  await run([...builder.command, ...options, build.context]);
}

interface Builder extends Disposable {
  /** What comes before the options and the context of a build. */
  readonly command: readonly string[];
}

/** A way to build without a daemon and without a registry, as this machine can. The command works until it is disposed of. */
export function openBuilder(): Builder {
  const settings = buildSettings();
  const command = buildah(
    'build',
    // A container runtime would want namespaces and control groups of its own; no build needs them.
    '--isolation=chroot',
    '--network=host',
    '--pull-never',
    '--layers',
    // Also when it fails: else the container of the failed step stays.
    '--force-rm',
    ...settings.volumes.map((volume) => `--volume=${volume}:ro`),
  );
  return { command, [Symbol.dispose]: () => settings[Symbol.dispose]() };
}

/** Makes the base when it is not in the store: Debian's packages, from where this machine gets its own. */
export async function makeDebianBase(): Promise<void> {
  if (await hasImage(debianBase)) return;
  const context = mkdtempSync(join(tmpdir(), 'debian-base-'));
  try {
    // Without a mirror named, it takes the machine's own sources for the same release.
    const slim = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const options = ['--variant=minbase', '--include=ca-certificates', ...slim];
    await run(['mmdebstrap', '--quiet', ...options, 'bookworm', join(context, 'base.tar')]);
    writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n');
    await buildImage({ tag: debianBase, context });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** An image for test pods: Debian with curl and busybox. The first time it takes half a minute. */
export async function makeToolbox(tag: string): Promise<void> {
  await makeDebianBase();
  await buildImage({ tag, context: join(import.meta.dirname, 'fixtures/toolbox') });
}

/** An image that holds one static program and starts it. */
export async function packProgram(tag: string, program: string, name: string): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), 'program-'));
  try {
    copyFileSync(program, join(context, name));
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM scratch\nCOPY ${name} /${name}\nENTRYPOINT ["/${name}"]\n`,
    );
    await buildImage({ tag, context });
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** True when the store has the image. */
async function hasImage(tag: string): Promise<boolean> {
  return (await runToEnd(buildah('inspect', '--type=image', tag))).exitCode === 0;
}

/** The command that copies an image from the store, to a file (`oci-archive:PATH:NAME`) or a registry (`docker://…`). */
export function pushCommand(tag: string, destination: string): string[] {
  // Half of what the default takes of a processor.
  const compression = ['--compression-format=zstd', '--compression-level=1', '--format=oci'];
  return buildah('push', ...compression, '--tls-verify=false', tag, destination);
}

function buildah(command: string, ...args: readonly string[]): string[] {
  mkdirSync(store, { recursive: true });
  // Else it keeps a lock in /etc/cni, for networks that nothing here uses.
  writeFileSync(`${store}.conf`, `[network]\nnetwork_config_dir = "${store}-networks"\n`);
  const storage = [`--root=${store}`, `--runroot=${store}-run`, '--storage-driver=overlay'];
  return ['env', `CONTAINERS_CONF=${store}.conf`, 'buildah', ...storage, command, ...args];
}

interface BuildSettings extends Disposable {
  readonly volumes: readonly string[];
}

/**
 * npm and pip bring authorities of their own; in a build they are told to trust what this machine trusts. Of the mounted
 * files, empty ones stay in the image.
 */
function buildSettings(): BuildSettings {
  const folder = mkdtempSync(join(tmpdir(), 'build-settings-'));
  const file = join(certificates, 'ca-certificates.crt');
  writeFileSync(join(folder, 'pip.conf'), `[global]\ncert = ${file}\n`);
  writeFileSync(join(folder, 'npmrc'), `cafile=${file}\n`);
  return {
    volumes: [
      `${certificates}:${certificates}`,
      `${folder}/pip.conf:/etc/pip.conf`,
      `${folder}/npmrc:/root/.npmrc`,
    ],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
