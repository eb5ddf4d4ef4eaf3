import { SetupError } from '../engine.ts';
import { ApiError } from './api/client.ts';

/** What is in the way when the cluster cannot be used at the start. */
export function setupErrorOf(error: unknown, namespace: string): SetupError {
  const reason = error instanceof Error ? error.message : String(error);
  const hint =
    error instanceof ApiError && error.status === 403
      ? `Give the gateway's service account the Role of docker/k8s in ${namespace}.`
      : error instanceof ApiError && error.status === 404
        ? 'Apply docker/k8s/namespace.yaml: it has the resource definition of Sandboxes.'
        : 'Look at the API server, and at the way to it.';
  return new SetupError(`the cluster cannot be used: ${reason}`, hint, { cause: error });
}
