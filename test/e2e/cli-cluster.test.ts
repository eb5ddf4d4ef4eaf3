/**
 * The way to a gateway in a cluster, by the kubectl that is installed here: what it says when there is none. That it forwards is
 * tested where a cluster runs.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, '../../dist/cli/main.cjs');
const hasKubectl = succeeds(() => execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' }));

let folder: string;
let server: Server;
let port: number;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-cluster-'));
  // What an API server answers to somebody who may do nothing.
  server = createServer((request, response) => {
    const message = `services "deer-flow-sandbox" is forbidden: User "eve" cannot get resource "services" (${request.url})`;
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message,
    };
    response.writeHead(403, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function kubeconfig(url: string): string {
  const file = join(folder, `config-${Buffer.from(url).toString('hex')}`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server: url } }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'eve' } }],
    users: [{ name: 'eve', user: {} }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** What `paddock ls` says with these flags. */
async function refused(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { PATH, TMPDIR, LEAK_CHECK_RUN } = process.env;
  // Its caches go where this test cleans up.
  const clean = { PATH, TMPDIR, LEAK_CHECK_RUN, HOME: folder };
  try {
    await promisify(execFile)(process.execPath, [main, ...args, 'ls'], { env: { ...clean, ...env } });
    return 'it did not fail';
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  }
}

describe('paddock --context', () => {
  it('says that kubectl is missing', async () => {
    const said = await refused(['--context', 'here'], { PATH: join(folder, 'empty') });
    expect(said).toMatch(/^error: .*kubectl.*\nhint: Install kubectl, .*--url.*\n$/);
  });

  it('is not given together with --url', async () => {
    const said = await refused(['--context', 'here', '--url', 'http://127.0.0.1:1'], {});
    expect(said).toMatch(/^error: both --url and --context are given\nhint: .+\n$/);
  });

  it.runIf(hasKubectl).each([
    ['a context that there is not', ['--context', 'there'], () => 'http://127.0.0.1:1', /get-contexts/],
    ['a cluster that is not up', ['--context', 'here'], () => 'http://127.0.0.1:1', /cluster-info/],
    ['a user who may not', ['--context', 'here'], () => `http://127.0.0.1:${port}`, /pods\/portforward/],
    ['the cluster of E2E_KUBECONFIG', [], () => `http://127.0.0.1:${port}`, /pods\/portforward/],
  ])('says what to do about %s', async (_, args, url, hint) => {
    const config = kubeconfig(url());
    const said = await refused(args, {
      KUBECONFIG: config,
      ...(args.length === 0 && { E2E_KUBECONFIG: config }),
    });
    expect(said).toMatch(
      /^error: the gateway in namespace deer-flow cannot be reached by kubectl: .+\nhint: .+\n$/,
    );
    expect(said.split('\n')[1]).toMatch(hint);
  });
});

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}
