/** What a sandbox with a network can reach of the gateway, of other sandboxes and of the machine. */
import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { run } from './inside.ts';

describe.skipIf(!mayMakeNetworks())('The gateway and the network, from inside', () => {
  const key = 'key-of-the-owner';
  let gateway: Gateway;
  let port: string;
  beforeAll(async () => {
    // On every address, as on a server: that is where there is most to reach.
    const open = { PADDOCK_HOST: '0.0.0.0', SANDBOX_API_KEY: key };
    gateway = await startGateway({ PADDOCK_NETWORK: 'outbound', PADDOCK_WARM_SANDBOXES: '2', ...open });
    port = new URL(gateway.url).port;
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const thief = (command: string) => run(gateway, 'thief', command, key);
  const own = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    .filter(({ family }) => family === 'IPv4')
    .map(({ address }) => address);
  const get = (host: string) => `curl -s -m 3 -o /dev/null -w '%{http_code}\\n' http://${host}/health`;

  it('its management routes, by every address of the machine', async () => {
    expect(own).toContain('127.0.0.1');
    for (const address of own)
      expect([address, (await fetch(`http://${address}:${port}/health`)).status]).toEqual([address, 200]);
    const addresses = [...own, '0.0.0.0', 'localhost', '[::1]', '10.0.2.2', '10.0.2.3', '169.254.1.1'];
    const codes = await Promise.all(addresses.map((address) => thief(get(`${address}:${port}`))));
    expect(addresses.map((address, i) => [address, codes[i]])).toEqual(
      addresses.map((address) => [address, '000\n']),
    );
  });

  it('programs of another sandbox', async () => {
    const serve = 'python3 -m http.server --bind 0.0.0.0 8123 > /dev/null 2>&1 & ';
    const untilThere = `until [ $(${get('127.0.0.1:8123')}) = 404 ]; do sleep 0.05; done; hostname -I`;
    const addresses = (await run(gateway, 'victim', serve + untilThere, key)).trim().split(/\s+/);
    for (const address of [...addresses, '127.0.0.1', '10.0.2.2', ...own])
      expect([address, await thief(get(`${address}:8123`))]).toEqual([address, '000\n']);
  });

  it('private networks, by routes that it changes', async () => {
    expect(await thief('ip route get 10.9.9.9; ip route get 169.254.169.254')).toMatch(
      /(No route to host|unreachable).*(No route to host|unreachable)/s,
    );
    const inOwn =
      "unshare -r --net sh -c 'ip link set lo up && ip route add unreachable 10.9.0.0/16 && echo changed'";
    expect(await thief(inOwn)).toBe('changed\n');
    const changes = [
      'ip route del unreachable 10.0.0.0/8',
      'ip route add 10.9.9.0/24 via 10.0.2.2',
      'ip addr add 10.9.9.9/24 dev tap0',
      'ip link set tap0 down',
    ];
    for (const change of changes)
      for (const way of ['', 'unshare -r ', 'unshare -r nsenter -t 1 -n '])
        expect([change, await thief(`${way}${change} && echo changed`)]).toEqual([
          change,
          expect.not.stringContaining('changed'),
        ]);
  });

  it('its own server’s socket, without a token', async () => {
    const sockets = (await thief("find / -type s -not -path '/proc/*' 2> /dev/null")).trim().split('\n');
    expect(sockets).toContain('/run/paddock/server.sock');
    expect(sockets.filter((path) => !path.startsWith('/run/paddock/'))).toEqual([]);
    const ask = (path: string, ...options: string[]) =>
      thief(
        ['curl', '-s', '--unix-socket /run/paddock/server.sock', ...options, `http://x${path}`].join(' '),
      );
    expect(await ask('/v1/sandbox')).toContain('home_dir');
    for (const path of ['/activity', '/v1/shell/sessions', '/bind', '//bind', '/%62ind'])
      for (const token of ['', '-H "x-paddock-token: a.b.c"', '-H "x-paddock-token: e30.e30."'])
        expect(await ask(path, token, path.endsWith('ind') ? '-d {}' : '')).toMatch(/token_refused/);
  });
});

function mayMakeNetworks(): boolean {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
