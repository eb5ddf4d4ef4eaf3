import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { arch, release, type } from 'node:os';
import { delimiter, join } from 'node:path';
import type { SandboxContext } from '@paddock/protocol';
import { version } from '@paddock/protocol/version';

interface Place {
  readonly homeDir: string;
  readonly workspace: string;
  readonly user: string;
  /** The PATH that commands get. */
  readonly path: string;
}

const catalogue: readonly { category: string; tools: Readonly<Record<string, string>> }[] = [
  { category: 'shell', tools: { bash: 'The shell that commands run in', tmux: 'Terminal multiplexer' } },
  {
    category: 'files',
    tools: { rg: 'Recursive search', find: 'File search', jq: 'JSON processor', unzip: 'Archives' },
  },
  { category: 'network', tools: { curl: 'HTTP client', wget: 'Downloader' } },
  {
    category: 'development',
    tools: { git: 'Version control', make: 'Build tool', gcc: 'C compiler', uv: 'Python packages' },
  },
];

/**
 * What this sandbox is and has. It is the same for every sandbox of a kind: no id, no environment, so that the probe
 * may answer it to anyone. Nothing is run to find out; versions are read from where interpreters keep them.
 */
export function describeSandbox(place: Place): SandboxContext {
  const has = finder(place.path);
  const { homeDir: home_dir, workspace, user } = place;
  return {
    success: true,
    message: 'Operation successful',
    data: null,
    home_dir,
    workspace,
    version,
    detail: {
      system: {
        os: osName(),
        os_version: release(),
        arch: arch(),
        user,
        home_dir,
        workspace,
        timezone: timezone(),
        occupied_ports: [],
      },
      runtime: {
        python: interpreter(has, 'python3', ['python', 'pip3']),
        nodejs: interpreter(has, 'node', ['npm', 'npx']),
      },
      utils: catalogue
        .map(({ category, tools }) => ({
          category,
          tools: Object.entries(tools)
            .filter(([name]) => has(name))
            .map(([name, description]) => ({ name, description })),
        }))
        .filter(({ tools }) => tools.length > 0),
    },
  };
}

function interpreter(has: (name: string) => string | undefined, name: string, others: readonly string[]) {
  const bin = has(name);
  return bin ? [{ ver: null, bin, alias: others.filter(has) }] : [];
}

/** Finds programs by name, and lists each folder once for that: most names are in none of them. */
function finder(path: string): (name: string) => string | undefined {
  const folders = path.split(delimiter).map((folder) => ({ folder, names: new Set(namesIn(folder)) }));
  return (name) =>
    folders
      .filter(({ names }) => names.has(name))
      .map(({ folder }) => join(folder, name))
      .find(isExecutable);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Not there, or not for us.
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function osName(): string {
  try {
    return /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? type();
  } catch {
    return type();
  }
}

/** The zone's name without Intl, whose tables cost 15 ms to load. */
function timezone(): string {
  if (process.env.TZ) return process.env.TZ;
  try {
    return readlinkSync('/etc/localtime').replace(/^.*zoneinfo\//, '');
  } catch {
    return 'UTC'; // No such file, or a copy of one: its name is not known.
  }
}
