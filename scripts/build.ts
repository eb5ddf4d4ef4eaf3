/**
 * Builds what is run: one CommonJS file per program, and some of the command line, under dist/.
 *
 * CommonJS in one file starts in half the time of ES modules, and a sandbox server starts once per conversation.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = dirname(import.meta.dirname);

/** The command line is several files: what `paddock run` waits for is small, since no more than that is loaded for it. */
const cli = {
  main: 'main.ts',
  run: 'plain/run.ts',
  program: 'program.ts',
  ephemeral: 'gateway/ephemeral.ts',
  'port-forward': 'cluster/port-forward.ts',
};

await Promise.all([
  bundle('sandbox'),
  bundle('gateway'),
  ...Object.entries(cli).map(([name, source]) =>
    bundle('cli', { source, file: `${name}.cjs`, ...cliOptions(name) }),
  ),
]);

// node-pty loads its native part by package name at run time: it is found in a node_modules beside the bundle.
const nativePart = `@lydell/node-pty-${process.platform}-${process.arch}/pty.node`;
const { resolve } = createRequire(join(root, 'packages/sandbox/package.json'));
put(join(root, 'dist/sandbox/node_modules', nativePart), readFileSync(resolve(nativePart)));

interface Bundle {
  /** In the source folder of the program. */
  readonly source?: string;
  readonly file?: string;
  readonly plugins?: Plugin[];
  readonly banner?: { readonly js: string };
}

async function bundle(
  program: string,
  { source = 'main.ts', file = 'main.cjs', ...options }: Bundle = {},
): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'packages', program, 'src', source)],
    outfile: join(root, 'dist', program, file),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // An import by Node's loader of ES modules takes some milliseconds more than a require.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.dirname': '__dirname' },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    logLevel: 'warning',
    ...options,
  });
  for (const { path, contents } of outputFiles) put(path, contents);
}

function cliOptions(name: string): Bundle {
  // Node keeps what it has compiled of the files that a program loads for the next start, but not of the one it starts with.
  const keep = "require('node:module').enableCompileCache?.(`${__dirname}/cache`);";
  return { plugins: [apart()], ...(name === 'main' && { banner: { js: keep } }) };
}

/** Has the files of the command line load each other while it runs, where they would contain copies of each other. */
function apart(): Plugin {
  const folder = join(root, 'packages/cli/src');
  const names = new Map(Object.entries(cli).map(([name, source]) => [join(folder, source), name]));
  return {
    name: 'apart',
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
        const name = kind === 'dynamic-import' ? names.get(join(resolveDir, path)) : undefined;
        return name === undefined ? undefined : { path: `./${name}.cjs`, external: true };
      });
    },
  };
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
