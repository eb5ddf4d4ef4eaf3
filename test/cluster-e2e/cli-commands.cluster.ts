/** The command line against a cluster: all that it does on one machine. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait.ts';
import { commandLine, environmentOf, install, paddock, startWithImages, untilServing } from './cli.ts';
import { openTerminal } from './terminal.ts';

const name = `commands-${process.pid}`;
const namespace = 'deer-flow';
let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-commands-'));
  cluster = await startWithImages(name);
  await install(cluster, namespace);
  await untilServing(cluster, namespace, 'pool');
  await run('create', 'box');
});

afterAll(async () => {
  await endCluster(name);
  rmSync(folder, { recursive: true });
});

/** What a command printed that ended well. */
async function run(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await paddock(cluster, args, { cwd: folder });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

describe('paddock, on a cluster', { timeout: 60_000 }, () => {
  it('finds it by --context and by E2E_KUBECONFIG', async () => {
    const context = (await cluster.kubectlRun(['config', 'current-context'])).trim();
    const env = { E2E_KUBECONFIG: '', KUBECONFIG: cluster.kubeconfig };
    const { stdout } = await paddock(cluster, ['--context', context, 'status'], { env });
    expect(stdout).toMatch(new RegExp(`^gateway +ok at namespace ${namespace} of context ${context}\n`));
    expect(await run('status')).toMatch(new RegExp(`^gateway +ok at namespace ${namespace}\n`));
  });

  it('exec runs a command in a pod, with its input, both outputs and its exit code', async () => {
    const command = ['exec', 'box', '--', 'bash', '-c', 'cat; hostname; echo bad >&2; exit 3'];
    const { exitCode, stdout, stderr } = await paddock(cluster, command, { input: 'typed\n' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: 'bad\n' });
    const pod = stdout.split('\n')[1] ?? '';
    expect(stdout.split('\n')[0]).toBe('typed');
    const label = 'jsonpath={.metadata.labels.paddock\\.dev/sandbox}';
    const sandbox = await cluster.kubectlRun(['get', 'pod', pod, '-n', namespace, '-o', label]);
    const id = ['get', 'sandbox', sandbox, '-n', namespace, '-o', 'jsonpath={.spec.id}'];
    expect(await cluster.kubectlRun(id)).toBe('box');
  });

  it('run takes a sandbox of its own, and ends it', async () => {
    expect(await run('run', '--', 'python3', '-c', 'print(6 * 7)')).toBe('42\n');
    const ids = ['get', 'sandboxes', '-n', namespace, '-o', 'jsonpath={.items[*].spec.id}'];
    await waitFor({ what: 'only box is left', timeoutMs: 30_000 }, async () => {
      return (await cluster.kubectlRun(ids)) === 'box';
    });
  });

  it('cp copies files and folders, both ways', async () => {
    mkdirSync(join(folder, 'tree/sub'), { recursive: true });
    const content = 'line\n'.repeat(200_000);
    writeFileSync(join(folder, 'tree/sub/file'), content);
    await run('cp', 'tree', 'box:');
    await run('cp', 'box:tree', 'back');
    expect(readFileSync(join(folder, 'back/sub/file'), 'utf8')).toBe(content);
  });

  it('ls, logs and url tell of it', async () => {
    expect(await run('ls', '-q')).toBe('box\n');
    expect(await run('logs', 'box')).toMatch(/ life claimed: pod deer-flow-sandbox-/);
    expect(await run('url', 'box')).toBe(
      `http://deer-flow-sandbox.${namespace}.svc.cluster.local:8080/s/box\n`,
    );
  });

  it('shell opens a terminal, which outlives the gateway that it came through', async () => {
    using terminal = openTerminal(commandLine(['shell', 'box']), {
      env: environmentOf(cluster),
      cwd: folder,
    });
    await terminal.shows(/\$ $/);
    terminal.types('marker=kept; hostname\n');
    await terminal.shows(/deer-flow-sandbox-\S+\r/);
    const gateways = ['delete', 'pod', '-n', namespace, '-l', 'app=deer-flow-gateway', '--grace-period=1'];
    await cluster.kubectlRun(gateways);
    await untilServing(cluster, namespace);
    await waitFor({ what: 'the session answers again', timeoutMs: 40_000, everyMs: 1_000 }, () => {
      terminal.types('echo "it was $marker"\n');
      return terminal.screen.includes('it was kept');
    });
    terminal.types('exit 7\n');
    expect(await terminal.exitCode).toBe(7);
  });

  it('rm ends it, and its pod', async () => {
    await run('rm', 'box');
    const pods = ['get', 'pods', '-n', namespace, '-l', 'paddock.dev/sandbox', '-o', 'name'];
    await waitFor({ what: 'its pod is gone', timeoutMs: 30_000 }, async () => {
      return (await cluster.kubectlRun(pods)) === '';
    });
    const { exitCode, stderr } = await paddock(cluster, ['exec', 'box', '--', 'true']);
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(/^error: .*box.*\nhint: .+\n$/);
  });

  it('says what to do where nothing is set up', async () => {
    const { exitCode, stderr } = await paddock(cluster, ['--namespace', 'elsewhere', 'ls']);
    expect(exitCode).toBe(125);
    expect(stderr).toMatch(/^error: .* namespace elsewhere .*\nhint: .*setup\.sh.*\n$/);
  });
});
