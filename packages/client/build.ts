/** Makes the package that others install: one ES module with its types, under dist/client/. */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { build } from 'esbuild';
import protocol from '../protocol/package.json' with { type: 'json' };
import manifest from './package.json' with { type: 'json' };

const root = dirname(dirname(import.meta.dirname));
const protocolExports: Readonly<Record<string, string>> = protocol.exports;

/** Builds the package into a folder, which is swapped in whole, and gives its path. */
export async function buildClient(folder = join(root, 'dist/client')): Promise<string> {
  const fresh = `${folder}.${process.pid}`;
  const { '@paddock/protocol': _, ...dependencies } = manifest.dependencies;
  mkdirSync(fresh, { recursive: true });
  try {
    await build({
      entryPoints: [join(import.meta.dirname, 'src/index.ts')],
      outfile: join(fresh, 'index.js'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      external: Object.keys(dependencies).flatMap((name) => [name, `${name}/*`]),
      logLevel: 'warning',
    });
    declareTypes(join(fresh, 'types'));
    writeFileSync(join(fresh, 'package.json'), `${JSON.stringify(published(dependencies), null, 2)}\n`);
    cpSync(join(import.meta.dirname, 'README.md'), join(fresh, 'README.md'));
    cpSync(join(root, 'LICENSE'), join(fresh, 'LICENSE'));
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

function published(dependencies: Readonly<Record<string, string>>) {
  const { name, version, license, type, sideEffects } = manifest;
  return {
    name,
    version,
    description: 'Isolated sandboxes for the conversations of agents, from a program',
    license,
    type,
    sideEffects,
    engines: { node: '>=20' },
    exports: { '.': { types: './types/client/src/index.d.ts', default: './index.js' } },
    files: ['index.js', 'types'],
    dependencies,
  };
}

/** Declares the client's types, and those of the protocol that they name. */
function declareTypes(folder: string): void {
  const project = join(import.meta.dirname, 'tsconfig.build.json');
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', project, '--outDir', folder], { stdio: 'inherit' });
  for (const path of globSync('**/*.d.ts', { cwd: folder })) {
    const file = join(folder, path);
    const declared = readFileSync(file, 'utf8')
      .replaceAll(/(["'])@paddock\/protocol(\/\w+)?\1/g, (_, quote: string, part = '') => {
        const source = protocolExports[`.${part}`]?.replace(/^\./, 'protocol').replace(/\.ts$/, '.js') ?? '';
        return `${quote}${relative(dirname(path), source)}${quote}`;
      })
      .replaceAll(/(["'])(\.[^"']*)\.ts\1/g, "'$2.js'");
    writeFileSync(file, declared);
  }
}

if (import.meta.main) await buildClient();
