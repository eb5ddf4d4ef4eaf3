import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Child } from './child.ts';
import { Connection } from './connection.ts';

const root = dirname(dirname(import.meta.dirname));

/** A built gateway on a port of its own, with its data in a temporary folder. */
export class Gateway implements AsyncDisposable {
  readonly url: string;
  readonly child: Child;
  readonly connection: Connection;
  readonly #folder: string;

  constructor(url: string, child: Child, folder: string) {
    this.url = url;
    this.child = child;
    this.#folder = folder;
    const { hostname, port } = new URL(url);
    this.connection = new Connection({ host: hostname, port: Number(port) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection[Symbol.dispose]();
    await this.child[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Starts a gateway and waits until it serves.
 *
 * @param settings environment variables that differ from the defaults.
 * @param launcher a program with its arguments that becomes the gateway.
 */
export async function startGateway(
  settings: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  const env = {
    ...withoutSettings(process.env),
    PADDOCK_PORT: '0',
    PADDOCK_DATA_DIR: folder,
    SKILLS_PATH: join(root, 'skills'),
    PADDOCK_READY_FD: '3',
    PADDOCK_EXIT_WITH_STDIN: '1',
    ...settings,
  };
  const child = new Child(join(root, 'dist/gateway/main.cjs'), env, [], launcher);
  try {
    const { url } = JSON.parse(await child.firstLine(3)) as { url: string };
    return new Gateway(url, child, folder);
  } catch (error) {
    await child[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** The environment but for what configures a gateway on the machine of whoever runs this. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isSetting = (name: string) => name.startsWith('PADDOCK_') || name === 'SANDBOX_API_KEY';
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isSetting(name)));
}
