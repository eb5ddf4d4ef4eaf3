/** A gateway without rights on the machine, as in a rootless container: `unshare -r` makes it root of nothing but itself. */
import { Sandbox } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

describe('a gateway without rights', () => {
  let gateway: Gateway;
  let sandbox: Sandbox;
  beforeAll(async () => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'outbound' }, [
      'unshare',
      '--user',
      '--map-root-user',
      '--',
    ]);
    sandbox = new Sandbox({ baseUrl: gateway.url, id: 'a' });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const run = async (command: string) => (await sandbox.shell.exec({ command })).output;

  it('runs code as a user without rights in a sandbox', async () => {
    expect(
      await run(
        'id -u; touch /mnt/user-data/workspace/x ~/x /tmp/x && echo wrote; touch /usr/x /etc/x /mnt/skills/x 2>/dev/null || echo kept out',
      ),
    ).toBe('1000\nwrote\nkept out\n');
    expect(await run('grep -E "CapEff|NoNewPrivs" /proc/self/status')).toBe(
      'CapEff:\t0000000000000000\nNoNewPrivs:\t1\n',
    );
  });

  it('keeps sandboxes apart', async () => {
    await run('echo secret > /tmp/secret; sleep 4713 & true');
    const other = new Sandbox({ baseUrl: gateway.url, id: 'b' });
    const { output } = await other.shell.exec({
      command: 'cat /tmp/secret 2>&1; cat /proc/[0-9]*/cmdline | tr "\\0" " "',
    });
    expect(output).toContain('No such file');
    expect(output).not.toContain('4713');
  });

  it('gives them the internet and keeps them out of private networks', async () => {
    expect(await run('ip route get 10.9.9.9')).toContain('No route to host');
    expect(await run('ip route show default')).toMatch(/^default via 10\.0\.2\.2 dev tap0/);
  });

  it('deletes the files of a sandbox that closed its folders to itself', async () => {
    await run('mkdir -p closed/inner && touch closed/inner/file && chmod 000 closed');
    expect((await gateway.connection.send('DELETE', '/api/sandboxes/a')).status).toBe(200);
    expect(await run('ls -A')).toBe('');
  });
});
