import { flagOf, type Setting, settingKeys, settings } from '@paddock/protocol/config';
import { Option } from 'commander';
import { type Descriptor, exitOf, gatewayProgram, spawnGateway } from '../gateway/child.ts';
import type { GlobalOptions } from '../reach.ts';
import { onEnding } from '../signals.ts';

/** The options of `serve`: the settings of the gateway that have a flag. */
export function settingOptions(): Option[] {
  return settingKeys.flatMap((key) => {
    const flag = flagOf(key);
    if (!flag) return [];
    const row: Setting = settings[key];
    const value = row.kind === 'boolean' ? '[true|false]' : '<value>';
    const fallback = row.defaultText ?? (typeof row.default === 'function' ? undefined : row.default);
    const shown =
      fallback === undefined || String(fallback) === '' ? '' : `; ${String(fallback)} when absent`;
    return [new Option(`${flag} ${value}`, `${row.summary} (${row.env}${shown})`)];
  });
}

/** Runs the gateway in the foreground and gives its exit code. What asks this process to end asks the gateway. */
export async function serve(options: GlobalOptions & Readonly<Record<string, unknown>>): Promise<number> {
  const env = options.apiKey ? { SANDBOX_API_KEY: options.apiKey } : {};
  const child = spawnGateway(gatewayProgram(), flagsOf(options), env, outputs());
  using _ = onEnding((signal) => child.kill(signal));
  return await exitOf(child);
}

function flagsOf(options: Readonly<Record<string, unknown>>): string[] {
  const given = [['--config', options.config], ...settingKeys.map((key) => [flagOf(key), options[key]])];
  return given.flatMap(([flag, value]) => (flag && value !== undefined ? [`${flag}=${value}`] : []));
}

/** Output and errors as they are, and the descriptor for readiness that whoever started us may have named. */
function outputs(): Descriptor[] {
  const ready = Number(process.env.PADDOCK_READY_FD || 0);
  const unused = Array.from({ length: Math.max(0, ready - 3) }, (): Descriptor => 'ignore');
  return ['inherit', 'inherit', ...(ready > 2 ? [...unused, 'inherit' as const] : [])];
}
