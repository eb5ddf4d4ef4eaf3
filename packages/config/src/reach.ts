import { BlockList, isIP } from 'node:net';
import type { Config } from '@paddock/protocol/config';
import { ConfigError } from './error.ts';

/**
 * Refuses to serve other machines without a key unless the operator said so in as many words.
 *
 * @throws ConfigError
 */
export function checkReach(config: Config): void {
  const keyed = config.apiKey !== undefined || config.keysFile !== undefined;
  if (keyed || config.allowUnauthenticated || isLoopback(config.host)) return;
  throw new ConfigError([
    {
      message: `host is ${config.host}, which other machines can reach, and there is no key`,
      hint: 'Set SANDBOX_API_KEY or PADDOCK_KEYS_FILE, or allowUnauthenticated: true where the network around it can be trusted.',
    },
  ]);
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0
    ? host.toLowerCase() === 'localhost'
    : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
