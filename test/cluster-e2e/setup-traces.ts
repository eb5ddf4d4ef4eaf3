/** What the tests of setup.sh share: what it left on a cluster, manifests that somebody changed, and Ctrl-C. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import type { Finished } from '../cluster/command.ts';
import { pushPaddockImages } from '../cluster/paddock-images.ts';
import { environment, guideFolder } from './setup.ts';

/** A cluster on which setup.sh never ran, whose registry has both images. */
export async function startUntouched(name: string): Promise<Cluster> {
  const cluster = await startCluster({ name });
  await pushPaddockImages(cluster);
  return cluster;
}

/** All that is in a namespace but what a cluster puts into every one and what follows from other objects. */
export async function tracesIn(cluster: Cluster, namespace: string): Promise<string[]> {
  const kinds = 'deployments,pods,services,configmaps,secrets,leases,persistentvolumeclaims,serviceaccounts';
  const names = await cluster.kubectlRun([
    ...['get', `${kinds},roles,rolebindings,networkpolicies`, '--namespace', namespace],
    ...['--ignore-not-found', '--output=name'],
  ]);
  const everywhere = ['configmap/kube-root-ca.crt', 'serviceaccount/default', ''];
  return names.split('\n').filter((name) => !everywhere.includes(name));
}

/** Whether there is a namespace of that name. */
export async function hasNamespace(cluster: Cluster, namespace: string): Promise<boolean> {
  return (
    (await cluster.kubectlRun(['get', 'namespace', namespace, '--ignore-not-found', '--output=name'])) !== ''
  );
}

/** Copies docker/ to a folder and changes manifests, as people do. @returns where setup.sh is then */
export function editedGuide(
  place: string,
  edits: Readonly<Record<string, (yaml: string) => string>>,
): string {
  const folder = mkdtempSync(join(place, 'guide-'));
  cpSync(join(guideFolder, '..'), join(folder, 'docker'), { recursive: true });
  for (const [file, edit] of Object.entries(edits)) {
    const path = join(folder, 'docker/k8s', file);
    const before = readFileSync(path, 'utf8');
    const after = edit(before);
    if (after === before) throw new Error(`nothing to edit in ${file}`);
    writeFileSync(path, after);
  }
  return join(folder, 'docker/k8s');
}

/** Runs setup.sh in a process group of its own, and presses Ctrl-C once it has printed what is expected. */
export async function interruptSetup(
  cluster: Cluster,
  args: readonly string[],
  when: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const child = spawn(join(guideFolder, 'setup.sh'), args, {
    cwd: guideFolder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment(cluster), ...env },
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  let isInterrupted = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (isInterrupted || !when.test(stderr) || child.pid === undefined) return;
    isInterrupted = true;
    // As a terminal does: to every process that runs in its foreground.
    process.kill(-child.pid, 'SIGINT');
  });
  child.once('error', reject);
  child.once('close', (code) => {
    if (isInterrupted) resolve({ exitCode: code ?? -1, stdout, stderr });
    else reject(new Error(`it ended with ${code} and never printed ${when}:\n${stderr}`));
  });
  return await promise;
}
