import { hostname, userInfo } from 'node:os';
import { allocatorEnv } from '@paddock/protocol/allocator';
import type { KeySource } from './bind/index.ts';

/** How this server was started. */
export interface StartOptions {
  /** A Unix socket's path, or `host:port`. */
  readonly listen: string;
  /** What gateways' tokens must be made for. */
  readonly serverId: string;
  /** Public keys of gateways, as `parsePublicKeys` reads them. */
  readonly publicKeys: KeySource;
  /** Where the bind is kept that made this server a sandbox's, so that a restarted one is the same sandbox. */
  readonly bindFile: string | undefined;
  /** A private folder for the machinery of sessions. */
  readonly runDir: string;
  /** Where commands start. */
  readonly workspace: string;
  readonly homeDir: string;
  readonly user: string;
  /** The probe of a server that waits for its sandbox runs a command before it says that it is ready. */
  readonly probeRunsCommand: boolean;
  /** Answer failures of file operations 200, as the published servers do. */
  readonly softFileFailures: boolean;
  /** What commands inherit: this process's environment without what is meant for the server. */
  readonly commandEnv: Readonly<Record<string, string>>;
}

/**
 * Reads the environment of the process.
 *
 * @throws {Error} naming the variable that is missing.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): StartOptions {
  const required = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  };
  const homeDir = env.HOME ?? userInfo().homedir;
  return {
    listen: required('PADDOCK_LISTEN'),
    serverId: env.PADDOCK_SERVER_ID ?? hostname(),
    publicKeys: env.PADDOCK_PUBLIC_KEYS_FILE
      ? { path: env.PADDOCK_PUBLIC_KEYS_FILE }
      : { text: required('PADDOCK_PUBLIC_KEYS') },
    bindFile: env.PADDOCK_BIND_FILE || undefined,
    runDir: required('PADDOCK_RUN_DIR'),
    workspace: env.PADDOCK_WORKSPACE ?? homeDir,
    homeDir,
    probeRunsCommand: env.PADDOCK_PROBE_RUNS_COMMAND === 'true',
    softFileFailures: env.PADDOCK_SOFT_FILE_FAILURES === 'true',
    user: env.USER ?? userName(),
    commandEnv: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        value === undefined || name.startsWith('PADDOCK_') || Object.hasOwn(allocatorEnv, name)
          ? []
          : [[name, value]],
      ),
    ),
  };
}

/** Containers run as users that no file of the system names. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
