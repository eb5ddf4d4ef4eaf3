/** The client as others get it: the built package, without a checkout around it, on every Node that it promises. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../../../test/support/gateway.ts';
import { buildClient } from '../build.ts';
import { bun, olderNode } from './runtimes.ts';

const modules = join(import.meta.dirname, '../../../node_modules');
const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

/** The programs of the README, each under the first line that says what it prints. */
const examples = Array.from(readme.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = '']) => ({
  code,
  prints: Array.from(code.matchAll(/\/\/ → (.*)$/gm), ([, text]) => text),
}));

let folder: string;
let gateway: Gateway;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-'));
  mkdirSync(join(folder, 'node_modules/@paddock'), { recursive: true });
  await buildClient(join(folder, 'node_modules/@paddock/client'));
  for (const name of ['zod', 'yaml']) symlinkSync(join(modules, name), join(folder, 'node_modules', name));
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
}, 60_000);

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('the package', () => {
  it('has types that need nothing but its dependencies', () => {
    for (const [index, { code }] of examples.entries())
      writeFileSync(join(folder, `types-${index}.ts`), code);
    symlinkSync(join(modules, '@types'), join(folder, 'node_modules/@types'));
    symlinkSync(join(modules, 'undici-types'), join(folder, 'node_modules/undici-types'));
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    const options = {
      ...{ module: 'nodenext', target: 'es2022', lib: ['es2022', 'esnext.disposable'], types: ['node'] },
      ...{ strict: true, noEmit: true, skipLibCheck: false },
    };
    const project = join(folder, 'tsconfig.json');
    writeFileSync(project, JSON.stringify({ compilerOptions: options, include: ['types-*.ts'] }));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    expect(told(() => execFileSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' }))).toBe('');
  });
});

const runtimes: [string, () => string | undefined][] = [
  ['Node 20', () => olderNode(20)],
  ['Node 22', () => olderNode(22)],
  ['Node 24', () => (process.version.startsWith('v24.') ? process.execPath : olderNode(24))],
  ['Bun', bun],
];

describe.each(runtimes)('on %s', (name, find) => {
  it.for(examples)(
    'the README tells the truth: it prints $prints.0',
    { timeout: 180_000 },
    async ({ code, prints }, context) => {
      const program = find();
      context.skip(program === undefined, `no ${name} can be had here`);
      const here = code.replaceAll('http://127.0.0.1:8080', gateway.url);
      const { code: plain } = await transform(here, { loader: 'ts', format: 'esm', target: 'node20' });
      writeFileSync(join(folder, 'example.mjs'), plain);
      const { stdout, stderr } = await promisify(execFile)(program ?? '', ['example.mjs'], { cwd: folder });
      expect({ stdout: stdout.trimEnd().split('\n'), stderr }).toEqual({ stdout: prints, stderr: '' });
    },
  );
});

/** What a compiler that fails has printed. */
function told(work: () => string): string {
  try {
    return work();
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
  }
}
