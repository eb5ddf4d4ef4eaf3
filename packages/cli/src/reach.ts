import { type ConnectionOptions, defaultBaseUrl } from '@paddock/client/parts';
import type { Cluster } from './cluster/cluster.ts';
import { CliError } from './failure.ts';

/** The options that every command has. */
export interface GlobalOptions {
  readonly url?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** Which gateway to talk to. */
export interface Reach {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The user named the gateway, so no other will do. */
  readonly named: boolean;
  /** Whoever sits at a terminal wants to know at once. */
  readonly retries: 0;
}

/** A way to the gateway, open until it is disposed of. */
export interface OpenReach extends Reach, AsyncDisposable {
  readonly connection: ConnectionOptions;
  /** Where the gateway is, for people. */
  readonly place: string;
}

/**
 * Opens the way to the gateway: its URL as it is, or to that of a cluster through kubectl.
 *
 * @throws CliError when there is none.
 */
export async function openReach(options: GlobalOptions, signal: AbortSignal): Promise<OpenReach> {
  const cluster = clusterOf(options);
  if (!cluster) {
    const reach = reachOf(options);
    return opened(reach, new URL(reach.baseUrl).origin, async () => {});
  }
  const { forwardPort } = await import('./cluster/port-forward.ts');
  const forward = await forwardPort(cluster, signal);
  const reach = { ...reachOf({ ...options, url: forward.url }), named: true };
  const place = `namespace ${cluster.namespace}${cluster.context ? ` of context ${cluster.context}` : ''}`;
  return opened(reach, place, async () => forward[Symbol.asyncDispose]());
}

/** @throws CliError when the URL is none. */
export function reachOf({ url, apiKey }: GlobalOptions): Reach {
  // An empty variable counts as absent.
  const named = url ?? (process.env.PADDOCK_URL || undefined);
  const baseUrl = named ?? defaultBaseUrl;
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    throw new CliError(`the gateway's URL is ${JSON.stringify(baseUrl)}`, {
      hint: 'Give --url or PADDOCK_URL as http://HOST:PORT.',
    });
  }
  return {
    baseUrl,
    apiKey: keyOf({ apiKey }),
    named: named !== undefined,
    retries: 0,
  };
}

/** The key of the gateway. An empty variable counts as absent. */
export function keyOf({ apiKey }: { readonly apiKey?: string | undefined }): string | undefined {
  return apiKey ?? (process.env.SANDBOX_API_KEY || undefined);
}

/** The cluster that is meant, if one is. A flag wins over a variable, and of the variables the URL. */
export function clusterOf({ url, context, namespace }: GlobalOptions): Cluster | undefined {
  const kubeconfig = process.env.E2E_KUBECONFIG || undefined;
  if (url !== undefined && context !== undefined) {
    throw new CliError('both --url and --context are given', {
      hint: 'Give the one that leads to the gateway.',
    });
  }
  const isMeant = context !== undefined || (kubeconfig && url === undefined && !process.env.PADDOCK_URL);
  return isMeant ? { context, kubeconfig, namespace: namespace ?? defaultNamespace } : undefined;
}

/** Where the guide puts the gateway. */
const defaultNamespace = 'deer-flow';

function opened(reach: Reach, place: string, close: () => Promise<void>): OpenReach {
  const { baseUrl, apiKey, retries } = reach;
  return { ...reach, place, connection: { baseUrl, apiKey, retries }, [Symbol.asyncDispose]: close };
}
