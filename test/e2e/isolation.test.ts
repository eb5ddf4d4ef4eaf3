/** `isolation: none`: for machines that refuse namespaces, and only when it is asked for in as many words. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descendants, gone } from '../support/descendants.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const bare = { PADDOCK_ISOLATION: 'none', PADDOCK_WARM_SANDBOXES: '1' };
/** Starts what is in no group of the command's, and prints its pid. */
const daemon =
  "setsid sh -c 'echo $$ > pid; exec sleep 300' >/dev/null 2>&1 & until [ -s pid ]; do sleep 0.01; done; cat pid";

describe('a gateway without isolation', () => {
  it('warns of what that means', async () => {
    await using gateway = await startGateway(bare);
    expect(gateway.child.errors).toContain('isolation is \\"none\\"');
    expect(gateway.child.errors).toContain(`runs as ${userInfo().username}`);
  });

  it('runs code as its own user, in a workspace of the sandbox', async () => {
    await using gateway = await startGateway(bare);
    expect(await run(gateway, 'a', 'id -u; echo kept > note')).toBe(`${userInfo().uid}\n`);
    expect(await run(gateway, 'a', 'cat note; cat "$WORKSPACE/note"; ls "$SKILLS_PATH" | head -1')).toMatch(
      /^kept\nkept\n\S+\n$/,
    );
    expect(await run(gateway, 'b', 'ls')).toBe('');
  });

  it('says where the workspace is, for there is no /mnt/user-data', async () => {
    await using gateway = await startGateway(bare);
    const workspace = (await run(gateway, 'a', 'pwd')).trim();
    const context = JSON.parse(
      (await gateway.connection.send('GET', '/v1/sandbox', undefined, { 'x-sandbox-id': 'a' })).body,
    );
    expect(context.workspace).toBe(workspace);
    const written = { file: join(workspace, 'by-path'), content: 'there' };
    expect((await send(gateway, 'a', '/v1/file/write', written)).status).toBe(200);
    expect(await run(gateway, 'a', 'cat by-path')).toBe('there');
    expect(existsSync('/mnt/user-data/workspace')).toBe(false);
  });

  it('ends all that a released sandbox has started, and deletes its files', async () => {
    await using gateway = await startGateway(bare);
    const workspace = (await run(gateway, 'a', 'pwd')).trim();
    const pid = Number(await run(gateway, 'a', daemon));
    expect(pid).toBeGreaterThan(0);
    await gateway.connection.call('DELETE', '/api/sandboxes/a');
    await gone([{ pid, line: 'the daemon' }], 0);
    expect(existsSync(workspace)).toBe(false);
  });

  it('leaves no process when it is killed, and finds the files afterwards', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'bare-'));
    try {
      await using killed = await startGateway({ ...bare, PADDOCK_DATA_DIR: dataDir });
      const pid = Number(await run(killed, 'a', `echo kept > note; ${daemon}`));
      const below = [...descendants(killed.child.pid), { pid, line: 'the daemon' }];
      process.kill(killed.child.pid, 'SIGKILL');
      await gone(below);

      await using next = await startGateway({ ...bare, PADDOCK_DATA_DIR: dataDir });
      expect(await run(next, 'a', 'cat note')).toBe('kept\n');
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('ends what an earlier one left that was killed with its servers', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'bare-'));
    try {
      await using killed = await startGateway({ ...bare, PADDOCK_DATA_DIR: dataDir });
      const pid = Number(await run(killed, 'a', daemon));
      const server = descendants(killed.child.pid).filter(({ line }) => line.includes('main.cjs'));
      for (const target of [killed.child, ...server]) process.kill(target.pid, 'SIGKILL');
      await gone(server);
      await using _next = await startGateway({ ...bare, PADDOCK_DATA_DIR: dataDir });
      await gone([{ pid, line: 'the daemon' }], 0);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it.each(['none', 'outbound'])('does not start with network %s, which it cannot keep', async (network) => {
    const starting = startGateway({ ...bare, PADDOCK_NETWORK: network });
    await expect(starting).rejects.toThrow(`network is "${network}", which takes isolation`);
  });
});

describe('a gateway with isolation', () => {
  it('ends rather than do without, and says how to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bwrap-'));
    try {
      const refuses = '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n';
      writeFileSync(join(folder, 'bwrap'), refuses, { mode: 0o755 });
      const starting = startGateway({ PATH: `${folder}:${process.env.PATH}` });
      await expect(starting).rejects.toThrow(/No permissions to create new namespace\nhint: /);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('does not take over the files of sandboxes without', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mixed-'));
    try {
      {
        await using gateway = await startGateway({ ...bare, PADDOCK_DATA_DIR: dataDir });
        await run(gateway, 'a', 'echo from outside > note');
      }
      await using gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_DATA_DIR: dataDir });
      expect(await run(gateway, 'a', 'cat note || echo none')).toBe('none\n');
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

function send(gateway: Gateway, id: string, path: string, body: object) {
  return gateway.connection.send('POST', path, body, { 'x-sandbox-id': id });
}

async function run(gateway: Gateway, id: string, command: string): Promise<string> {
  return JSON.parse((await send(gateway, id, '/v1/bash/exec', { command })).body).data.stdout;
}
