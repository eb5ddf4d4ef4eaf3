import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const cache = join(import.meta.dirname, '../../../node_modules/.cache/nodes');

/**
 * An older Node to run the client with, from the package that carries it; fetched once and kept beside the packages.
 * Undefined where there is none for this machine, or no registry to fetch it from.
 */
export function olderNode(major: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = join(cache, String(major));
  const program = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin/node');
  if (existsSync(program)) return program;
  try {
    const wanted = `node-linux-${process.arch}@${major}`;
    const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', wanted];
    execFileSync('npm', args, { stdio: 'ignore', timeout: 120_000 });
  } catch {
    return undefined;
  }
  return existsSync(program) ? program : undefined;
}
