/** Where in a cluster the gateway is. */
export interface Cluster {
  /** Of the kubeconfig; its current one when absent. */
  readonly context: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly namespace: string;
}
