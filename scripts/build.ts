/**
 * Builds what is run: one CommonJS file per program, under dist/.
 *
 * CommonJS in one file starts in half the time of ES modules, and a sandbox server starts once per conversation.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = dirname(import.meta.dirname);

await Promise.all([bundle('sandbox'), bundle('gateway'), bundle('cli', 'paddock.cjs')]);

// Node keeps for the next start what it has compiled of the files that a program loads, but not of the one it starts with.
const start = "require('node:module').enableCompileCache?.(`${__dirname}/cache`);require('./paddock.cjs');\n";
put(join(root, 'dist/cli/main.cjs'), Buffer.from(start));

// node-pty loads its native part by package name at run time: it is found in a node_modules beside the bundle.
const nativePart = `@lydell/node-pty-${process.platform}-${process.arch}/pty.node`;
const { resolve } = createRequire(join(root, 'packages/sandbox/package.json'));
put(join(root, 'dist/sandbox/node_modules', nativePart), readFileSync(resolve(nativePart)));

async function bundle(program: string, file = 'main.cjs'): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages', program, 'src/main.ts')],
    outfile: join(root, 'dist', program, file),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    define: { 'import.meta.dirname': '__dirname' },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  for (const { path, contents } of outputFiles) put(path, contents);
}

/** Writes what has changed, and swaps it in whole: programs may be running from the old one. */
function put(path: string, contents: Uint8Array): void {
  if (isAlready(path, contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, contents);
  renameSync(fresh, path);
}

function isAlready(path: string, contents: Uint8Array): boolean {
  try {
    return readFileSync(path).equals(contents);
  } catch {
    return false; // Not built yet.
  }
}
