/** What the tests of the command line on a cluster share: a cluster with the images, installations, the command line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { type Finished, type RunOptions, runToEnd } from '../cluster/command.ts';
import { pushPaddockImages } from '../cluster/paddock-images.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'packages/cli/src/main.ts');

/** Folder of skills that installations have; it lies at the same place on the node. */
export const skills = join(root, 'skills');

/** A cluster whose registry has both images as they are built here, and which knows what a Sandbox is. */
export async function startWithImages(name: string): Promise<Cluster> {
  const cluster = await startCluster({ name });
  await pushPaddockImages(cluster);
  const definition = manifest('namespace.yaml', 'deer-flow').replace(/^[\s\S]*?^---$/m, '');
  await cluster.kubectlRun(['apply', '--filename=-'], { input: definition });
  return cluster;
}

/** How an installation differs from what the manifests say. */
export interface Difference {
  readonly gateway?: (yaml: string) => string;
  readonly sandbox?: (yaml: string) => string;
  readonly skills?: string;
  /** Labels of its namespace. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Processes it may have. */
  readonly quotaPods?: number;
}

/** Applies the manifests to a namespace of their own, with one gateway, small enough for many on one node. */
export async function install(
  cluster: Cluster,
  namespace: string,
  difference: Difference = {},
): Promise<void> {
  const same = (yaml: string) => yaml;
  const { gateway = same, sandbox = same, labels = {}, quotaPods } = difference;
  const space = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } };
  await cluster.kubectlRun(['apply', '--filename=-'], { input: JSON.stringify(space) });
  if (quotaPods !== undefined)
    await cluster.kubectlRun([
      'create',
      'quota',
      'few',
      `--namespace=${namespace}`,
      `--hard=pods=${quotaPods}`,
    ]);
  const service = small(manifest('sandbox-service.yaml', namespace)).replace('replicas: 2', 'replicas: 1');
  const pool = small(manifest('sandbox-deployment.yaml', namespace)).replace(
    '__SKILLS_PATH__',
    difference.skills ?? skills,
  );
  await cluster.kubectlRun(['apply', '--filename=-'], {
    input: `${gateway(service)}\n---\n${sandbox(pool)}`,
  });
}

function manifest(file: string, namespace: string): string {
  return readFileSync(join(root, 'docker/k8s', file), 'utf8').replaceAll(
    /^ {2}namespace: deer-flow$/gm,
    `  namespace: ${namespace}`,
  );
}

function small(yaml: string): string {
  return yaml.replaceAll('cpu: 100m', 'cpu: 10m').replaceAll('memory: 256Mi', 'memory: 64Mi');
}

/** Waits until the gateway of a namespace serves, and with `pool` a sandbox too. */
export async function untilServing(cluster: Cluster, namespace: string, ...pool: 'pool'[]): Promise<void> {
  const apps = ['deer-flow-gateway', ...(pool.length > 0 ? ['deer-flow-sandbox'] : [])];
  for (const app of apps) {
    const status = ['rollout', 'status', `deployment/${app}`, `--namespace=${namespace}`, '--timeout=90s'];
    await cluster.kubectlRun(status);
  }
}

/** The command that runs the command line. */
export function commandLine(args: readonly string[]): string[] {
  return [process.execPath, main, ...args];
}

/** The environment of a command line whose cluster this is, with its kubectl first on the PATH. */
export function environmentOf(cluster: Cluster): Record<string, string> {
  return { PATH: `${join(cluster.kubectl, '..')}:${process.env.PATH}`, E2E_KUBECONFIG: cluster.kubeconfig };
}

/** Runs the command line against a cluster. */
export function paddock(
  cluster: Cluster,
  args: readonly string[],
  { env, ...options }: RunOptions = {},
): Promise<Finished> {
  return runToEnd(commandLine(args), {
    timeoutMs: 120_000,
    ...options,
    env: { ...environmentOf(cluster), ...env },
  });
}

/** What a doctor found, by the name of the check. */
export interface Diagnosis {
  readonly exitCode: number;
  readonly checks: Readonly<
    Record<string, { readonly status: string; readonly message: string; readonly hint?: string }>
  >;
}

/** Runs `paddock doctor` on a namespace. */
export async function diagnose(
  cluster: Cluster,
  namespace: string,
  args: readonly string[] = [],
  options: RunOptions = {},
): Promise<Diagnosis> {
  const command = ['doctor', '--json', '--namespace', namespace, ...args];
  const { exitCode, stdout, stderr } = await paddock(cluster, command, options);
  if (stderr !== '') throw new Error(stderr);
  const { checks }: { checks: { name: string; status: string; message: string }[] } = JSON.parse(stdout);
  return { exitCode, checks: Object.fromEntries(checks.map(({ name, ...check }) => [name, check])) };
}
