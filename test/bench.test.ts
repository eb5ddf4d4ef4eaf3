import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './support/source.ts';

describe('the bench', () => {
  it('measures a row against its baseline and tells on which machine', () => {
    const { status, stdout } = bench('--only', 'start of', '--runs', '2', '--json');
    expect(status).toBe(0);
    const spread = { min: expect.any(Number), median: expect.any(Number), p99: expect.any(Number) };
    expect(JSON.parse(stdout)).toMatchObject({
      machine: { cpu: expect.any(String), cores: expect.any(Number), node: process.version },
      load: { before: expect.any(Number), after: expect.any(Number) },
      rows: [{ unit: 'ms', runs: 2, ours: spread, baseline: spread, ratio: expect.any(Number) }],
    });
  });

  it.each([
    ['--only', 'no such row'],
    ['--runs', '0'],
  ])('says what is wrong with %s %s', (...args) => {
    const { status, stderr } = bench(...args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  });
});

function bench(...args: string[]) {
  return spawnSync(process.execPath, [join(root, 'bench/run.ts'), ...args], { encoding: 'utf8' });
}
