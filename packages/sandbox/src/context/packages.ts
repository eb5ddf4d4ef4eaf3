import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An installed package. */
interface Package {
  readonly name: string;
  readonly version: string;
}

const pythonTimeoutMs = 30_000;

/** pip itself takes a second to say the same. */
const pythonProgram = `import importlib.metadata as m, json
seen = {d.metadata["Name"]: d.version for d in m.distributions() if d.metadata["Name"]}
print(json.dumps([{"name": n, "version": v or ""} for n, v in seen.items()]))`;

/** What the Python that commands get can import, as pip would list it. Empty where there is no Python. */
export async function pythonPackages(env: Readonly<Record<string, string>>): Promise<Package[]> {
  try {
    const { stdout } = await run('python3', ['-c', pythonProgram], { env, timeout: pythonTimeoutMs });
    return sorted(JSON.parse(stdout));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** The packages that npm has installed for everyone, the user's own and the system's. */
export async function nodePackages(env: Readonly<Record<string, string>>): Promise<Package[]> {
  const prefixes = [env.NPM_CONFIG_PREFIX, '/usr/local', '/usr'].filter((prefix) => prefix !== undefined);
  const found = await Promise.all(prefixes.map((prefix) => packagesIn(join(prefix, 'lib/node_modules'))));
  const first = new Map<string, Package>();
  for (const item of found.flat()) if (!first.has(item.name)) first.set(item.name, item);
  return sorted([...first.values()]);
}

async function packagesIn(folder: string): Promise<Package[]> {
  const names = await readdir(folder).catch(() => []); // There is no such prefix, or nothing in it.
  const nested = names.map(async (name) => {
    if (name.startsWith('.')) return [];
    return name.startsWith('@') ? packagesIn(join(folder, name)) : packageAt(join(folder, name));
  });
  return (await Promise.all(nested)).flat();
}

async function packageAt(folder: string): Promise<Package[]> {
  try {
    const { name, version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    return typeof name === 'string' && typeof version === 'string' ? [{ name, version }] : [];
  } catch {
    return []; // Not a package, or half an installation.
  }
}

function sorted(packages: Package[]): Package[] {
  return packages.sort((a, b) => a.name.toLowerCase().localeCompare(b.name.toLowerCase(), 'en'));
}
