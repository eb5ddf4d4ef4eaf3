/** The network of sandboxes where pasta is there and slirp4netns is not, for root and for a gateway without rights. */
import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { descendants, gone } from '../support/descendants.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const hide = 'for p in /usr/bin/slirp4netns; do [ -e $p ] && mount --bind /dev/null $p; done; exec "$@"';
const withoutSlirp = ['sh', '-c', hide, 'sh'];
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isInstalled('/usr/bin/pasta')).each([
  ...(isRoot ? [{ who: 'root', launcher: ['unshare', '--mount', ...withoutSlirp] }] : []),
  {
    who: 'a user without rights',
    launcher: ['unshare', '--user', '--map-root-user', '--mount', ...withoutSlirp],
  },
])('pasta, by a gateway of $who', ({ launcher }) => {
  const start = () => startGateway({ PADDOCK_NETWORK: 'outbound', PADDOCK_WARM_SANDBOXES: '1' }, launcher);

  it('gives sandboxes the internet and keeps them out of private networks and of this machine', async () => {
    await using gateway = await start();
    expect(await run(gateway, 'ip route show default')).toMatch(/^default via 198\.51\.100\.2 dev tap0/);
    expect(await run(gateway, 'cat /etc/resolv.conf')).toBe('nameserver 198.51.100.2\n');
    for (const address of ['10.9.9.9', '192.168.1.1', '169.254.169.254', ...ownAddresses()]) {
      expect(await run(gateway, `ip route get ${address} 2>&1`), address).toContain('No route to host');
    }
    expect(pastas(gateway).length).toBeGreaterThan(0);
  });

  it('ends with the sandbox', async () => {
    await using gateway = await start();
    await run(gateway, 'true');
    const before = pastas(gateway);
    await gateway.connection.call('DELETE', '/api/sandboxes/a');
    const after = new Set(pastas(gateway).map(({ pid }) => pid));
    expect(before.filter(({ pid }) => !after.has(pid))).not.toEqual([]);
  });

  it('ends with the gateway, even by SIGKILL', async () => {
    await using gateway = await start();
    await run(gateway, 'true');
    const below = descendants(gateway.child.pid);
    expect(pastas(gateway).length).toBeGreaterThan(0);
    process.kill(gateway.child.pid, 'SIGKILL');
    await gone(below);
  });
});

async function run(gateway: Gateway, command: string): Promise<string> {
  const { body } = await gateway.connection.send(
    'POST',
    '/v1/bash/exec',
    { command },
    { 'x-sandbox-id': 'a' },
  );
  return JSON.parse(body).data.stdout;
}

function pastas(gateway: Gateway) {
  return descendants(gateway.child.pid).filter(({ line }) => /^\S*pasta(\.avx2)? /.test(line));
}

function ownAddresses(): string[] {
  const found = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return found.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}

function isInstalled(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
