import { type Descriptor, exitOf, gatewayProgram, spawnGateway } from '../gateway/child.ts';
import { flagsOf } from '../gateway/flags.ts';
import type { GlobalOptions } from '../reach.ts';
import { onEnding } from '../signals.ts';

/** Runs the gateway in the foreground and gives its exit code. What asks this process to end asks the gateway. */
export async function serve(options: GlobalOptions & Readonly<Record<string, unknown>>): Promise<number> {
  const env = options.apiKey ? { SANDBOX_API_KEY: options.apiKey } : {};
  const child = spawnGateway(gatewayProgram(), flagsOf(options), env, outputs());
  using _ = onEnding((signal) => child.kill(signal));
  return await exitOf(child);
}

/** Output and errors as they are, and the descriptor for readiness that whoever started us may have named. */
function outputs(): Descriptor[] {
  const ready = Number(process.env.PADDOCK_READY_FD || 0);
  const unused = Array.from({ length: Math.max(0, ready - 3) }, (): Descriptor => 'ignore');
  return ['inherit', 'inherit', ...(ready > 2 ? [...unused, 'inherit' as const] : [])];
}
