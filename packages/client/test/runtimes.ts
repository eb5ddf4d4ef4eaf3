import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const cache = join(import.meta.dirname, '../../../node_modules/.cache/runtimes');

/** A program to run the client with, or undefined where there is none for this machine, or no registry to fetch it from. */
export function olderNode(major: number): string | undefined {
  return fetched(`node-linux-${process.arch}`, String(major), 'bin/node');
}

export function bun(): string | undefined {
  const kind = process.arch === 'arm64' ? 'aarch64' : process.arch;
  return fetched(`@oven/bun-linux-${kind}`, '1', 'bin/bun');
}

/** A program from the package that carries it, fetched once and kept beside the packages. */
function fetched(name: string, version: string, program: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = join(cache, `${name.replace('/', '-')}-${version}`);
  const path = join(folder, 'node_modules', name, program);
  if (existsSync(path)) return path;
  try {
    const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund'];
    execFileSync('npm', [...args, `${name}@${version}`], { stdio: 'ignore', timeout: 120_000 });
  } catch {
    return undefined;
  }
  return existsSync(path) ? path : undefined;
}
