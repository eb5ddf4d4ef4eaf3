import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { version } from '@paddock/protocol';
import { describe, expect, it } from 'vitest';
import { manifests } from './support/manifests.ts';
import { root } from './support/source.ts';

interface LockEntry {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const all = manifests();
const { packages: locked } = JSON.parse(read('package-lock.json')) as { packages: Record<string, LockEntry> };
const own = new Set(all.map(({ name }) => name));

describe('the dependencies', () => {
  const used = all
    .flatMap((manifest) => [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies])
    .flatMap((dependencies) => Object.entries(dependencies ?? {}));

  it('each have a line in docs/dependencies.md, and each line has its dependency', () => {
    const rows = read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm);
    const documented = Array.from(rows, ([, name]) => name).sort();
    const external = new Set(used.map(([name]) => name).filter((name) => !own.has(name)));
    expect(documented).toEqual([...external].sort());
  });

  it('are pinned to exact versions', () => {
    expect(used.filter(([, wanted]) => !/^\d+\.\d+\.\d+$/.test(wanted))).toEqual([]);
  });

  it('are locked as the package.json files want them', () => {
    for (const { path, dependencies, devDependencies, optionalDependencies } of all) {
      const entry = locked[path === 'package.json' ? '' : dirname(path)];
      expect(entry, path).toMatchObject({
        ...(dependencies && { dependencies }),
        ...(devDependencies && { devDependencies }),
      });
      expect(entry?.optionalDependencies, path).toEqual(optionalDependencies);
    }
  });

  it('are locked without naming a registry, so that every machine asks its own', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { resolved?: string }>;
    };
    const named = Object.entries(packages).filter(([, { resolved }]) => resolved?.includes('://'));
    expect(named).toEqual([]);
    expect(read('.npmrc')).not.toContain('://');
  });
});

describe('the version', () => {
  it('is the same in every package and in the code', () => {
    expect(all.filter((manifest) => manifest.version !== version).map(({ path }) => path)).toEqual([]);
  });
});

describe('the programs', () => {
  it('run on Node 24, whatever the machine has', () => {
    const env = { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` };
    expect(execFileSync('node', ['-v'], { env, encoding: 'utf8' })).toMatch(/^v24\./);
    expect(execFileSync('npm', ['exec', '--', 'node', '-v'], { env, cwd: root, encoding: 'utf8' })).toMatch(
      /^v24\./,
    );
    expect(process.version).toMatch(/^v24\./);
  });
});

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
