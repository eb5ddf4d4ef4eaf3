/**
 * Writes what an image consists of, in CycloneDX's JSON: Debian's packages, Python's, and the npm packages that are part of
 * the program. Run at the end of an image's build, inside it.
 *
 *     node write-sbom.ts sandbox|gateway
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Component {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/** The part of package-lock.json that is read. */
interface Lock {
  readonly version: string;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const program = process.argv[2] ?? '';
const lock: Lock = JSON.parse(readFileSync(join(import.meta.dirname, 'package-lock.json'), 'utf8'));
if (!lock.packages[`packages/${program}`]) throw new Error('usage: node write-sbom.ts sandbox|gateway');

const components = [...debianPackages(), ...pythonPackages(), ...npmPackages(), ...programs()];
const document = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: {
    component: {
      type: 'container',
      name: `paddock/${program}`,
      version: lock.version,
      licenses: [{ license: { id: 'Apache-2.0' } }],
    },
  },
  components: components.map((component) => ({ ...component, 'bom-ref': component.purl })),
};
writeFileSync(join(import.meta.dirname, 'sbom.cdx.json'), `${JSON.stringify(document, null, 1)}\n`);

function debianPackages(): Component[] {
  const format = '${Package}\t${Version}\t${Architecture}\n';
  const lines = execFileSync('dpkg-query', ['--show', `--showformat=${format}`], { encoding: 'utf8' });
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [name = '', version = '', arch = ''] = line.split('\t');
      return library('deb/debian', name, version, `?arch=${arch}`);
    });
}

function pythonPackages(): Component[] {
  const places = ['/usr/lib/python3/dist-packages', '/usr/local/lib/python3*/*-packages'];
  return globSync(places.map((place) => `${place}/*.{dist,egg}-info/{METADATA,PKG-INFO}`)).map((file) => {
    const metadata = readFileSync(file, 'utf8');
    const value = (field: string) => new RegExp(`^${field}: (.*)$`, 'm').exec(metadata)?.[1] ?? '';
    return library('pypi', value('Name').toLowerCase(), value('Version'));
  });
}

/** What the program's bundle is made of: the dependencies of its package, and theirs. */
function npmPackages(): Component[] {
  const found = new Map<string, Component>();
  const visit = (name: string): void => {
    const local = lock.packages[`packages/${name.replace('@paddock/', '')}`];
    const locked = name.startsWith('@paddock/') ? local : lock.packages[`node_modules/${name}`];
    if (!locked || found.has(name)) return;
    const version = locked.version ?? lock.version;
    found.set(name, library('npm', name.replace('@', '%40'), version));
    for (const dependency of Object.keys(locked.dependencies ?? {})) visit(dependency);
  };
  visit(`@paddock/${program}`);
  visit(`node-linux-${process.arch}`);
  return [...found.values()];
}

/** What is installed as a program of its own, by none of the above. */
function programs(): Component[] {
  const npm = globSync('/usr/local/lib/node_modules/*/package.json').map((file) => {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8'));
    return library('npm', name, version);
  });
  const uv = globSync('/usr/local/bin/uv').map((file) => {
    const [, version = ''] = execFileSync(file, ['--version'], { encoding: 'utf8' }).split(' ');
    return library('pypi', 'uv', version.trim());
  });
  return [...npm, ...uv];
}

function library(kind: string, name: string, version: string, suffix = ''): Component {
  return {
    type: 'library',
    name: decodeURIComponent(name),
    version,
    purl: `pkg:${kind}/${name}@${encodeURIComponent(version)}${suffix}`,
  };
}
