import type { LogOptions } from '../engine.ts';
import { isApiError } from './api/client.ts';
import type { Cluster } from './cluster.ts';
import type { Pod, Sandbox } from './objects.ts';

interface Logged {
  readonly cluster: Cluster;
  readonly sandbox: Sandbox;
  readonly pod: Pod;
}

/** Servers are as hostile as the code beside them. */
const lineLimitChars = 2_000;

/** The log of a claimed pod: what became of it, then what its server printed, each line with its time and source. */
export async function* podLog(
  { cluster, sandbox, pod }: Logged,
  options: LogOptions,
): AsyncGenerator<string> {
  const { tailLines, sinceMs, follow, signal } = options;
  const path = `${cluster.paths.pods}/${pod.metadata.name}/log`;
  const container = pod.spec.containers[0]?.name ?? '';
  const query = {
    container,
    timestamps: 'true',
    ...(follow && { follow: 'true' }),
    ...(tailLines !== undefined && { tailLines: String(tailLines) }),
    ...(sinceMs !== undefined && { sinceTime: new Date(sinceMs).toISOString() }),
  };
  const life = lifeOf(sandbox, pod).filter(({ timeMs }) => sinceMs === undefined || timeMs >= sinceMs);
  yield life.map(({ timeMs, text }) => `${new Date(timeMs).toISOString()} life ${text}\n`).join('');
  try {
    for await (const line of cluster.client.lines({ path, query }, signal)) {
      const [time = '', ...rest] = line.slice(0, lineLimitChars).split(' ');
      yield `${time} server ${rest.join(' ')}\n`;
    }
  } catch (error) {
    if (!signal.aborted && !isApiError(error, 400, 404)) throw error; // It has not started, or is gone.
  }
  if (follow) yield `${new Date().toISOString()} life released\n`;
}

function lifeOf({ metadata }: Sandbox, pod: Pod) {
  const lives = [
    { timeMs: Date.parse(metadata.creationTimestamp), text: `claimed: pod ${pod.metadata.name}` },
  ];
  for (const { state, restartCount, lastState } of pod.status.containerStatuses ?? []) {
    const startedAt = state?.running?.startedAt;
    if (startedAt === undefined) continue;
    const again = restartCount > 0 ? ` again after ${lastState?.terminated?.reason ?? 'its end'}` : '';
    lives.push({ timeMs: Date.parse(startedAt), text: `a server was started${again}: ${pod.metadata.uid}` });
  }
  return lives;
}
