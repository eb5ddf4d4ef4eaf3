import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CliError } from '../failure.ts';
import type { Cluster } from './cluster.ts';

/** The Service of the gateway, as the guide names it. */
const service = { name: 'deer-flow-sandbox', port: 8080 } as const;

/** A cluster that does not answer makes kubectl wait for as long as it likes. */
const startLimitMs = 30_000;

/** A port of this machine's loopback that leads to the gateway of a cluster. */
export interface Forward extends AsyncDisposable {
  readonly url: string;
}

/**
 * Forwards a free port to the gateway of a cluster by `kubectl port-forward`, and waits until it does. It ends with its scope,
 * and with this process however that ends.
 *
 * @throws CliError with what kubectl said when it does not.
 */
export async function forwardPort(cluster: Cluster, signal: AbortSignal): Promise<Forward> {
  const child = startKubectl([
    ...(cluster.kubeconfig ? ['--kubeconfig', cluster.kubeconfig] : []),
    ...(cluster.context ? ['--context', cluster.context] : []),
    '--namespace',
    cluster.namespace,
    'port-forward',
    '--address=127.0.0.1',
    `service/${service.name}`,
    // kubectl picks the port.
    `:${service.port}`,
  ]);
  const stop = () => stopKubectl(child);
  try {
    const port = await forwarded(child, cluster, signal);
    return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
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

function startKubectl(args: readonly string[]): ChildProcess {
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
      hint: `Check that the cluster answers: kubectl --namespace ${cluster.namespace} get pods`,
    });
  } finally {
    settled.abort();
  }
}

function failureOf(said: string, { context, namespace }: Cluster): CliError {
  const last = said.trim().split('\n').at(-1)?.trim() ?? '';
  const reason = last.replace(/^error: /i, '') || 'it said nothing';
  const where = context === undefined ? '' : ` --context ${context}`;
  const [, hint] = reasons.find(([pattern]) => pattern.test(said)) ?? [];
  return new CliError(`the gateway in namespace ${namespace} cannot be reached by kubectl: ${reason}`, {
    hint:
      hint ??
      `See what it says: kubectl${where} --namespace ${namespace} port-forward service/${service.name} :${service.port}`,
  });
}

/** What kubectl says, and what to do about it. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [
    /kubectl: (command )?not found|kubectl: No such file/i,
    'Install kubectl, or give the address of the gateway with --url.',
  ],
  [/context .*does not exist|no context exists/i, 'List the contexts with `kubectl config get-contexts`.'],
  [
    /forbidden/i,
    'Ask for the right to `create` on pods/portforward, and to `get` services and pods, in that namespace.',
  ],
  [
    /NotFound|not found/,
    'Install Paddock there with docker/k8s/setup.sh, or name its namespace with --namespace.',
  ],
  [
    /connection refused|no such host|i\/o timeout|unable to connect|couldn't get current server/i,
    'Check that the cluster of your kubeconfig is up: `kubectl cluster-info`.',
  ],
];
