import { execFile } from 'node:child_process';
import { CliError } from '../failure.ts';
import { type Cluster, flagsOf, typed } from './cluster.ts';
import { type RefusalReason, refusalOf } from './refusal.ts';

/** kubectl did not do what it was asked for. */
export class KubectlError extends CliError {
  readonly reason: RefusalReason | 'timeout';

  constructor(message: string, reason: RefusalReason | 'timeout', hint: string) {
    super(message, { hint });
    this.reason = reason;
  }
}

interface KubectlOptions {
  /** What it reads from standard input. */
  readonly input?: string;
  /** It is killed after that. */
  readonly timeoutMs?: number;
}

/** Runs kubectl on one cluster and gives what it printed. */
export type Kubectl = (args: readonly string[], options?: KubectlOptions) => Promise<string>;

const defaultTimeoutMs = 15_000;
/** A cluster may have thousands of pods. */
const outputLimitBytes = 256 * 1024 * 1024;

/**
 * kubectl as a child process, on one cluster and for as long as the signal lets it.
 *
 * @throws {KubectlError} from each call that ends with another exit code than 0, or not in time.
 */
export function kubectlOn(cluster: Cluster, signal: AbortSignal): Kubectl {
  return (args, { input, timeoutMs = defaultTimeoutMs } = {}) =>
    new Promise((resolve, reject) => {
      const limit = AbortSignal.timeout(timeoutMs);
      const child = execFile(
        'kubectl',
        [...flagsOf(cluster), ...args],
        { signal: AbortSignal.any([signal, limit]), maxBuffer: outputLimitBytes, killSignal: 'SIGKILL' },
        (error, stdout, stderr) => {
          if (!error) resolve(stdout);
          else if (signal.aborted) reject(signal.reason);
          else if (limit.aborted) reject(lateness(cluster, args, timeoutMs));
          else reject(failureOf(cluster, args, stderr.trim() || error.message));
        },
      );
      // One that ends without reading all of it is judged by its exit code.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input ?? '');
    });
}

function failureOf(cluster: Cluster, args: readonly string[], text: string): KubectlError {
  const { reason, said, hint } = refusalOf(text);
  return new KubectlError(said, reason, hint ?? `See what it says: ${typed(cluster, args.join(' '))}`);
}

function lateness(cluster: Cluster, args: readonly string[], timeoutMs: number): KubectlError {
  const message = `kubectl ${args[0]} did not end within ${timeoutMs / 1_000} seconds`;
  return new KubectlError(
    message,
    'timeout',
    `Check that the cluster answers: ${typed(cluster, 'get pods')}`,
  );
}
