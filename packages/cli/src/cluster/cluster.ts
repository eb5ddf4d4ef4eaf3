/** Where in a cluster the gateway is. */
export interface Cluster {
  /** Of the kubeconfig; its current one when absent. */
  readonly context: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
}

/** The flags by which kubectl finds it. */
export function flagsOf({ kubeconfig, context, namespace }: Cluster): string[] {
  return [
    ...(kubeconfig ? ['--kubeconfig', kubeconfig] : []),
    ...(context ? ['--context', context] : []),
    '--namespace',
    namespace,
  ];
}

/** `kubectl` as somebody would type it to look there themselves. */
export function typed({ context, namespace }: Cluster, args: string): string {
  return `kubectl${context === undefined ? '' : ` --context ${context}`} --namespace ${namespace} ${args}`;
}
