/** The generated pages of docs/: they are current, complete, and what they tell works. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadConfig } from '@paddock/config';
import {
  aio,
  control,
  document,
  errorCatalogue,
  type OperationGroup,
  type OperationTable,
  provisioner,
} from '@paddock/protocol';
import { settingKeys } from '@paddock/protocol/config';
import { sharedErrors } from '@paddock/protocol/docs';
import { describe, expect, it } from 'vitest';
import { command, generatedPages } from '../scripts/docs/pages.ts';
import { startGateway } from './support/gateway.ts';
import { root } from './support/source.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const tables: readonly OperationTable[] = [aio, provisioner, document, control];
const operations = tables.flatMap((table) => Object.values(table).flatMap((group) => Object.values(group)));

describe('a generated page', () => {
  it.each(generatedPages())('$path is current', ({ path, text }) => {
    expect(read(path) === text, `${path} is not what the code says now. Run: ${command}`).toBe(true);
  });

  it.each(generatedPages())('$path says in its first line that it is generated, and how', ({ path }) => {
    expect(read(path).split('\n', 1)[0]).toContain(`Generated from packages/protocol/src`);
    expect(read(path).split('\n', 1)[0]).toContain(command);
  });
});

describe('docs/errors.md', () => {
  it('has every code of the catalogue, and no other', () => {
    const documented = Array.from(
      read('docs/errors.md').matchAll(/^\| <a id="(\w+)"><\/a>/gm),
      ([, code]) => code,
    );
    expect(documented).toEqual(Object.keys(errorCatalogue));
  });
});

describe('the catalogue of errors', () => {
  const answered = new Set([
    ...operations.flatMap(({ errors }) => errors),
    ...sharedErrors.flatMap(({ codes }) => codes),
  ]);

  it('has every error that an operation answers, and only those', () => {
    expect([...answered].sort()).toEqual(Object.keys(errorCatalogue).sort());
  });

  it('lists an error either at its operations or as shared, not both', () => {
    const shared = new Set(sharedErrors.flatMap(({ codes }) => codes));
    const twice = Object.values<OperationGroup>(aio)
      .flatMap((group) => Object.values(group))
      .flatMap(({ path, errors }) =>
        errors.filter((code) => shared.has(code)).map((code) => `${path} ${code}`),
      );
    expect(twice).toEqual([]);
  });
});

describe('docs/api.md', () => {
  it('has every operation', () => {
    const page = read('docs/api.md');
    expect(operations.filter(({ method, path }) => !page.includes(`### \`${method} ${path}\``))).toEqual([]);
  });

  it('has examples that work when they are pasted into a shell', { timeout: 60_000 }, async () => {
    const examples = Array.from(
      read('docs/api.md').matchAll(/^```sh\n(.*?)\n```$/gms),
      ([, text]) => text ?? '',
    );
    expect(examples.length).toBeGreaterThan(5);
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
    for (const example of examples) {
      const here = example.replaceAll('http://127.0.0.1:8080', gateway.url);
      const { stdout } = await promisify(execFile)('sh', [
        '-c',
        here.replace('curl -s', 'curl -sS --fail-with-body'),
      ]);
      expect(JSON.parse(stdout), example).not.toMatchObject({ success: false });
    }
  });
});

describe('docs/configuration.md', () => {
  it('has every setting', () => {
    const rows = Array.from(
      read('docs/configuration.md').matchAll(/^\| `(\w+)` \|.*\|.*\|.*\|.*\|/gm),
      ([, key]) => key,
    );
    expect(rows).toEqual([...settingKeys]);
  });

  it('has an example file that is valid and changes nothing', () => {
    const yaml = /```yaml\n(.*?)```/s.exec(read('docs/configuration.md'))?.[1] ?? '';
    const folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    try {
      const path = join(folder, 'paddock.yaml');
      writeFileSync(path, yaml);
      const from = { env: { HOME: '/home/user' }, cwd: folder };
      const loaded = loadConfig({ ...from, argv: ['--config', path] });
      expect(loaded.config).toEqual(loadConfig({ ...from, argv: ['--config', emptyFile(folder)] }).config);
      expect(
        Object.values(loaded.sources).filter(({ from: source }) => source === 'file').length,
      ).toBeGreaterThan(8);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function emptyFile(folder: string): string {
  const path = join(folder, 'empty.yaml');
  writeFileSync(path, '');
  return path;
}
