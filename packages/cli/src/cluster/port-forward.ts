import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../failure.ts';
import { type Cluster, flagsOf, typed } from './cluster.ts';
import { type RefusalReason, refusalOf } from './refusal.ts';

/** The Service of the gateway, as the guide names it. */
const service = { name: 'deer-flow-sandbox', port: 8080 } as const;

/** A cluster that does not answer makes kubectl wait for as long as it likes. */
const startLimitMs = 30_000;

/** A port of this machine's loopback that leads to the gateway of a cluster. */
export interface Forward extends AsyncDisposable {
  readonly url: string;
}

/**
 * Forwards a free port to the gateway of a cluster by `kubectl port-forward`, and waits until it does. kubectl leads to one
 * pod and ends with it: the port then leads to another. It ends with its scope, and with this process however that ends.
 *
 * @throws CliError with what kubectl said when it does not.
 */
export async function forwardPort(cluster: Cluster, signal: AbortSignal): Promise<Forward> {
  const first = startKubectl(cluster);
  try {
    const port = await forwarded(first, cluster, signal);
    const stop = new AbortController();
    const kept = keepForwarding(first, cluster, port, stop.signal);
    return {
      url: `http://127.0.0.1:${port}`,
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await kept;
      },
    };
  } catch (error) {
    await stopKubectl(first);
    throw error;
  }
}

/** Until it is told to stop, there is a kubectl that forwards the port. */
async function keepForwarding(
  first: ChildProcess,
  cluster: Cluster,
  port: string,
  stop: AbortSignal,
): Promise<void> {
  let child = first;
  while (!stop.aborted) {
    await endOf(child, stop);
    await stopKubectl(child);
    if (stop.aborted) return;
    child = startKubectl(cluster, port);
    try {
      await forwarded(child, cluster, stop);
    } catch {
      // The next one may: until then requests fail as they do where nobody listens.
      await stopKubectl(child);
      await delay(restartMs, undefined, { signal: stop }).catch(() => {});
    }
  }
  await stopKubectl(child);
}

const restartMs = 500;

/** Until it has ended, or is to be. */
async function endOf(child: ChildProcess, stop: AbortSignal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await once(child, 'exit', { signal: stop }).catch(() => {});
}

/**
 * kubectl knows nothing of who started it. The shell around it holds our pipe, whose end tells it to end kubectl. It has its
 * own process group, so that Ctrl-C ends what runs in the sandbox before the way there.
 */
const keeper = `exec 3<&0
kubectl "$@" 3<&- </dev/null & kubectl=$!
{ read -r _ <&3; kill "$kubectl"; } 2>/dev/null & watch=$!
wait "$kubectl"; code=$?
kill "$watch" 2>/dev/null
exit "$code"`;

/** @param port Of this machine; kubectl picks one when there is none. */
function startKubectl(cluster: Cluster, port = ''): ChildProcess {
  const way = [`service/${service.name}`, `${port}:${service.port}`];
  const args = [...flagsOf(cluster), 'port-forward', '--address=127.0.0.1', ...way];
  const child = spawn('/bin/sh', ['-c', keeper, 'kubectl', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // One that has ended makes the end of its input fail; its exit tells more.
  child.stdin?.on('error', () => {});
  return child;
}

async function stopKubectl(child: ChildProcess): Promise<void> {
  const isRunning = child.exitCode === null && child.signalCode === null;
  const exit = isRunning ? once(child, 'exit') : undefined;
  child.stdin?.end();
  await exit;
  for (const pipe of child.stdio) pipe?.destroy();
}

async function forwarded(child: ChildProcess, cluster: Cluster, signal: AbortSignal): Promise<string> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-8_192);
  });
  const limit = AbortSignal.timeout(startLimitMs);
  const either = AbortSignal.any([signal, limit]);
  const settled = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      if (child.stdout) {
        createInterface({ input: child.stdout }).on('line', (line) => {
          // `Forwarding from 127.0.0.1:41234 -> 8080`; then a line for each connection.
          const [, port] = /^Forwarding from 127\.0\.0\.1:(\d+) /.exec(line) ?? [];
          if (port !== undefined) resolve(port);
        });
      }
      child.once('error', (cause) => reject(failureOf(cause.message, cluster)));
      // Its output may still be on its way when it exits.
      child.once('close', () => reject(failureOf(said, cluster)));
      either.addEventListener('abort', () => reject(either.reason), { signal: settled.signal });
      if (either.aborted) reject(either.reason);
    });
  } catch (error) {
    if (error !== limit.reason) throw error;
    throw new CliError(`kubectl port-forward did nothing for ${startLimitMs / 1_000} seconds`, {
      hint: `Check that the cluster answers: ${typed(cluster, 'get pods')}`,
    });
  } finally {
    settled.abort();
  }
}

function failureOf(text: string, cluster: Cluster): CliError {
  const { reason, said, hint = hints[reason] } = refusalOf(text);
  return new CliError(`the gateway in namespace ${cluster.namespace} cannot be reached by kubectl: ${said}`, {
    hint:
      hint ??
      `See what it says: ${typed(cluster, `port-forward service/${service.name} :${service.port}`)}; \`paddock doctor\` checks what it needs.`,
  });
}

/** What to do about what kubectl says here. */
const hints: Partial<Record<RefusalReason, string>> = {
  forbidden:
    'Ask for the right to `create` on pods/portforward, and to `get` services and pods, in that namespace.',
  missing: 'Install Paddock there with docker/k8s/setup.sh, or name its namespace with --namespace.',
};
