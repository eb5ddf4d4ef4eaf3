import { isBuiltin } from 'node:module';
import { errorCatalogue } from '@paddock/protocol';
import { describe, expect, it } from 'vitest';
import { manifestOf } from './support/manifests.ts';
import { resolveRelative, type SourceFile, sourceFiles } from './support/source.ts';

/** Which packages of ours a package may import. Whatever is not here, is not allowed. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  http: ['protocol'],
  config: ['protocol'],
  client: ['protocol'],
  cli: ['client', 'config', 'protocol'],
  gateway: ['http', 'config', 'protocol'],
  sandbox: ['http', 'protocol'],
};

/** What packages may have from Node. Those that are not here may have all of it. */
const mayHaveOfNode: Readonly<Record<string, readonly string[]>> = { protocol: ['node:crypto'] };

const lineLimit = 300;

/** Files that are longer, each with its reason. */
const longFiles: Readonly<Record<string, string>> = {
  'packages/gateway/src/fleet/member.ts':
    'one state machine: all transitions of a sandbox stand in one place',
  'packages/sandbox/src/shell/session.ts':
    'one state machine: all transitions of a session stand in one place',
};

const files = sourceFiles();
const byPath = new Map(files.map((file) => [file.path, file]));

describe('the packages', () => {
  it('are all in the table of who may import whom', () => {
    expect(new Set(files.map((file) => file.package))).toEqual(new Set(Object.keys(mayImport)));
  });

  it.each(Object.entries(mayImport))('%s imports only what it may', (name, allowed) => {
    const faults = files
      .filter((file) => file.package === name)
      .flatMap((file) =>
        file.imports.flatMap((specifier) => {
          const fault = importFault(file, specifier, allowed);
          return fault === undefined ? [] : [`${file.path} imports ${specifier}: ${fault}`];
        }),
      );
    expect(faults).toEqual([]);
  });

  it('have no cycles between their files', () => {
    expect(cycles()).toEqual([]);
  });
});

describe('a source file', () => {
  it(`has at most ${lineLimit} lines, unless the list says why`, () => {
    const long = files.filter(({ lines, path }) => lines > lineLimit && !(path in longFiles));
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });

  it('stands in the list of long files only while it is long', () => {
    const stale = Object.keys(longFiles).filter((path) => (byPath.get(path)?.lines ?? 0) <= lineLimit);
    expect(stale).toEqual([]);
  });
});

describe('an error of the catalogue', () => {
  it('is thrown somewhere', () => {
    const named = new Set(files.flatMap(({ strings }) => strings));
    expect(Object.keys(errorCatalogue).filter((code) => !named.has(code))).toEqual([]);
  });
});

function importFault(file: SourceFile, specifier: string, allowed: readonly string[]): string | undefined {
  if (specifier.startsWith('.')) {
    if (/\.(node|cjs|json)$/.test(specifier)) return undefined;
    return byPath.get(resolveRelative(file, specifier))?.package === file.package
      ? undefined
      : 'it lies outside of the package';
  }
  if (isBuiltin(specifier)) {
    return (mayHaveOfNode[file.package]?.includes(specifier) ?? true) ? undefined : 'not allowed here';
  }
  const [scope = '', name = ''] = specifier.split('/');
  if (scope === '@paddock') {
    if (!allowed.includes(name)) return `packages/${file.package} may not import packages/${name}`;
    const subpath = `.${specifier.slice(scope.length + 1 + name.length)}`;
    if (!(subpath in (manifestOf(name).exports ?? {}))) return 'it is not in the exports';
  }
  const dependency = scope.startsWith('@') ? `${scope}/${name}` : scope;
  return dependency in (manifestOf(file.package).dependencies ?? {})
    ? undefined
    : 'it is no dependency of the package';
}

/** Every cycle of relative imports, as a path from a file back to itself. */
function cycles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' → '));
    const file = byPath.get(path);
    if (start >= 0 || done.has(path) || !file) return;
    for (const specifier of file.imports) {
      if (specifier.startsWith('.')) visit(resolveRelative(file, specifier), [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return found;
}
