import type { Cluster } from '../../cluster/cluster.ts';
import { forwardPort } from '../../cluster/port-forward.ts';
import { CliError } from '../../failure.ts';

/** The way to the gateway's Service, for as long as the scope lasts; or why there is none. */
export type Door = AsyncDisposable &
  ({ readonly is: 'open'; readonly url: string } | { readonly is: 'shut'; readonly why: CliError });

/** Forwards a port to the Service. What is in the way is told, not thrown. */
export async function openDoor(cluster: Cluster, signal: AbortSignal): Promise<Door> {
  try {
    const forward = await forwardPort(cluster, signal);
    return { is: 'open', url: forward.url, [Symbol.asyncDispose]: () => forward[Symbol.asyncDispose]() };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { is: 'shut', why: error, [Symbol.asyncDispose]: async () => {} };
  }
}
