/** Who kubectl is on a cluster, and which cluster that is: copies of a kubeconfig, changed. */
import { cpSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { run } from '../cluster/command.ts';
import { apply } from '../cluster/pods.ts';

/** A copy of the cluster's kubeconfig in a folder below `place`, changed by kubectl config. @returns its path */
export async function kubeconfigWith(
  cluster: Cluster,
  place: string,
  ...changes: readonly (readonly string[])[]
): Promise<string> {
  const path = join(mkdtempSync(join(place, 'kubeconfig-')), 'config');
  cpSync(cluster.kubeconfig, path);
  for (const change of changes) await run([cluster.kubectl, 'config', '--kubeconfig', path, ...change]);
  return path;
}

/** Makes a service account and binds roles that there are to it. @returns the path of a kubeconfig of its own */
export async function kubeconfigOfAccount(
  cluster: Cluster,
  place: string,
  account: string,
  ...bindings: readonly object[]
): Promise<string> {
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace: 'default' }];
  await apply(
    cluster,
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: 'default' } },
    ...bindings.map((binding) => ({ apiVersion: 'rbac.authorization.k8s.io/v1', subjects, ...binding })),
  );
  const token = await cluster.kubectlRun(['create', 'token', account, '--namespace=default']);
  return await kubeconfigWith(
    cluster,
    place,
    ['set-credentials', account, `--token=${token.trim()}`],
    ['set-context', '--current', `--user=${account}`],
  );
}
