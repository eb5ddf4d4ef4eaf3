import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What was found holds so long: a probe may ask every second. */
const holdsMs = 30_000;
const timeoutMs = 2_500;

interface Place {
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Whether commands can be run here, found out by running one.
 *
 * @returns a function that gives the reason when they cannot. A success holds for a while, a failure is tried again.
 */
export function commandTrial({ workspace, env }: Place): () => Promise<string | undefined> {
  let heldUntil = 0;
  let running: Promise<string | undefined> | undefined;
  const attempt = async (): Promise<string | undefined> => {
    try {
      await run('bash', ['--noprofile', '--norc', '-c', ':'], { cwd: workspace, env, timeout: timeoutMs });
      heldUntil = performance.now() + holdsMs;
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      running = undefined;
    }
  };
  return async () => {
    if (performance.now() < heldUntil) return undefined;
    running ??= attempt();
    return await running;
  };
}
