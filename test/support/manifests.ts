/** The package.json files of the project. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './source.ts';

/** The part of a package.json that is checked. */
export interface Manifest {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The root's package.json and those of all packages. */
export function manifests(): Manifest[] {
  return globSync('{package.json,packages/*/package.json}', { cwd: root })
    .sort()
    .map((path) => ({ path, ...JSON.parse(readFileSync(join(root, path), 'utf8')) }));
}

/** The package.json of the package in `packages/<folder>`. */
export function manifestOf(folder: string): Manifest {
  const found = manifests().find(({ path }) => path === `packages/${folder}/package.json`);
  if (!found) throw new Error(`packages/${folder} has no package.json`);
  return found;
}
