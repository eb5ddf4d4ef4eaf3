import { PaddockError, Sandbox } from '@paddock/client';
import { ConfigError } from '@paddock/config';
import { CliError } from '../failure.ts';
import { startEphemeralGateway } from '../gateway/ephemeral.ts';
import { type Check, fail, ok } from './check.ts';

/** Starts a gateway for a moment and runs a command in a sandbox: what holds, whatever the other checks think. */
export async function checkSandbox(signal: AbortSignal): Promise<Check> {
  const startedMs = performance.now();
  try {
    await using gateway = await startEphemeralGateway(signal);
    const { baseUrl, apiKey } = gateway;
    await using sandbox = await Sandbox.create({ baseUrl, apiKey, retries: 0, signal });
    const { stdout } = await sandbox.run('echo "$((6 * 7))"');
    if (stdout !== '42\n') return fail('sandbox', `its shell says 6 * 7 is ${stdout.trim()}`, 'Check bash.');
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    return ok('sandbox', `a gateway and a sandbox started and ran a command in ${seconds} s`);
  } catch (error) {
    if (error instanceof CliError || error instanceof PaddockError || error instanceof ConfigError) {
      return fail('sandbox', error.message, error.hint);
    }
    throw error;
  }
}
