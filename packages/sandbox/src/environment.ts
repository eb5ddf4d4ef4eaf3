import { hostname, userInfo } from 'node:os';

/** How this server was started. */
export interface StartOptions {
  /** A Unix socket's path, or `host:port`. */
  readonly listen: string;
  /** What gateways' tokens must be made for. */
  readonly serverId: string;
  /** Public keys of gateways, as `parsePublicKeys` reads them. */
  readonly publicKeys: string;
  /** A private folder for the machinery of sessions. */
  readonly runDir: string;
  /** Where commands start. */
  readonly workspace: string;
  readonly homeDir: string;
  readonly user: string;
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
    publicKeys: required('PADDOCK_PUBLIC_KEYS'),
    runDir: required('PADDOCK_RUN_DIR'),
    workspace: env.PADDOCK_WORKSPACE ?? homeDir,
    homeDir,
    softFileFailures: env.PADDOCK_SOFT_FILE_FAILURES === 'true',
    user: env.USER ?? userInfo().username,
    commandEnv: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        value === undefined || name.startsWith('PADDOCK_') ? [] : [[name, value]],
      ),
    ),
  };
}
