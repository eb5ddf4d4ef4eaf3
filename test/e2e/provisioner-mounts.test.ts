/** Folders of the host in sandboxes: only those that the operator allows, and only where the sandbox has a place for them. */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Place } from './provisioner.support.ts';

describe('extra_mounts', () => {
  const place = new Place({ PADDOCK_MOUNT_ROOTS: '$PLACE/shared' });
  const host = (name: string) => join(place.folder, name);
  const create = (sandbox_id: string, mounts: [host: string, container: string, readOnly?: boolean][]) =>
    place.client.sandboxes.create({
      sandbox_id,
      extra_mounts: mounts.map(([host_path, container_path, read_only = false]) => ({
        host_path,
        container_path,
        read_only,
      })),
    });

  beforeAll(async () => {
    const folders = [
      'shared/work',
      'shared/config',
      'shared/config/locks',
      'shared/own',
      'shared/skills',
      'private',
    ];
    for (const folder of folders) {
      mkdirSync(host(folder), { recursive: true });
      chmodSync(host(folder), 0o777);
      writeFileSync(join(host(folder), 'note'), folder);
    }
    chmodSync(host('shared/own'), 0o755);
    symlinkSync(host('private'), host('shared/link'));
    symlinkSync(host('shared/work'), host('private/back'));
    await place.start();
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it('shows a folder, to be written to or not, as asked', async () => {
    const { warnings } = await create('two', [
      [host('shared/work'), '/mnt/acp-workspace'],
      [host('shared/work'), '/mnt/integrations/lark-cli/data', true],
    ]);
    expect(warnings).toBeUndefined();
    expect(
      await place.run('two', 'echo from inside > /mnt/acp-workspace/out && cat /mnt/acp-workspace/note'),
    ).toBe('shared/work');
    expect(readFileSync(host('shared/work/out'), 'utf8')).toBe('from inside\n');
    expect(await place.run('two', 'echo > /mnt/integrations/lark-cli/data/x || echo refused')).toBe(
      'refused\n',
    );
  });

  it('puts a mount into another whatever their order', async () => {
    const { warnings } = await create('nested', [
      [host('shared/work'), '/mnt/integrations/lark-cli/config/locks'],
      [host('shared/config'), '/mnt/integrations/lark-cli/config', true],
    ]);
    expect(warnings).toBeUndefined();
    const config = '/mnt/integrations/lark-cli/config';
    expect(
      await place.run('nested', `cat ${config}/note ${config}/locks/note; echo > ${config}/locks/mine`),
    ).toBe('shared/configshared/work');
    expect(statSync(host('shared/work/mine')).isFile()).toBe(true);
  });

  it('adds folders to the skills, which stay as they are', async () => {
    await create('skilled', [[host('shared/skills'), '/mnt/skills/custom', true]]);
    await create('plain', []);
    const skills = 'cd /mnt/skills && find . -path ./custom -prune -o -type f -print | sort; cat custom/note';
    expect(await place.run('skilled', skills)).toBe(`${await place.run('plain', skills)}shared/skills`);
    expect(
      await place.run('skilled', 'touch /mnt/skills/x /mnt/skills/custom/x 2>/dev/null || echo refused'),
    ).toBe('refused\n');
  });

  it.each([
    ['what lies outside of the roots', 'private', '/mnt/acp-workspace', /mountRoots/],
    ['a link that leads out of them', 'shared/link', '/mnt/acp-workspace', /mountRoots/],
    ['dot segments that lead out of them', 'shared/../private', '/mnt/acp-workspace', /mountRoots/],
    ['what is not there', 'shared/nothing', '/mnt/acp-workspace', /mountRoots/],
    ["the gateway's own folder", 'data', '/mnt/acp-workspace', /mountRoots/],
    ['the root of the sandbox', 'shared/work', '/', /own/],
    ['its parts', 'shared/work', '/mnt', /own/],
    ['/proc', 'shared/work', '/proc/sys', /own \/proc/],
    ['the system', 'shared/work', '/etc/ssl', /own \/etc/],
    ['the server', 'shared/work', '/opt/paddock/server', /own \/opt\/paddock/],
    ['the skills', 'shared/work', '/mnt/skills/public', /own \/mnt\/skills/],
    ['a folder of the sandbox itself', 'shared/work', '/mnt/user-data/workspace/x', /own \/mnt\/user-data/],
    ['a path that is not normalised', 'shared/work', '/mnt/a/../skills', /normalised/],
    ['a relative path', 'shared/work', 'mnt/acp', /absolute/],
  ])('leaves out %s, says so, and makes the sandbox', async (what, from, to, reason) => {
    const id = `refused-${what.replace(/\W+/g, '-')}`.slice(0, 60);
    const { status, warnings } = await create(id, [[`${place.folder}/${from}`, to]]);
    expect(status).toBe('Running');
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    expect(warnings?.[0]).toContain(`${to} is left out`);
    expect(place.gateway.child.errors).toContain('a sandbox has not all that was asked for');
    await place.client.sandboxes.release({ sandbox_id: id });
  });

  it('follows a link that leads into the roots', async () => {
    expect((await create('linked', [[host('private/back'), '/mnt/back']])).warnings).toBeUndefined();
    expect(await place.run('linked', 'cat /mnt/back/note')).toBe('shared/work');
  });

  it('leaves out a mount inside of one that can be written to, where links could lead anywhere', async () => {
    const { warnings } = await create('inner', [
      [host('shared/config'), '/mnt/outer'],
      [host('shared/work'), '/mnt/outer/locks'],
    ]);
    expect(warnings).toEqual([expect.stringContaining('/mnt/outer/locks is left out')]);
    expect(await place.run('inner', 'cat /mnt/outer/locks/note')).toBe('shared/config/locks');
  });

  it.skipIf(process.getuid?.() !== 0)('says when the sandbox has no right to write', async () => {
    const { warnings } = await create('readable', [[host('shared/own'), '/mnt/own']]);
    expect(warnings).toEqual([expect.stringMatching(/\/mnt\/own is mounted, but.*cannot write/)]);
    expect(await place.run('readable', 'cat /mnt/own/note')).toBe('shared/own');
  });

  it('keeps the mounts of a sandbox that exists, and says so', async () => {
    const first: [string, string] = [host('shared/work'), '/mnt/acp-workspace'];
    await create('same', [first]);
    expect((await create('same', [first])).warnings).toBeUndefined();
    expect((await create('same', [])).warnings).toBeUndefined();
    expect((await create('same', [[host('shared/config'), '/mnt/other']])).warnings).toEqual([
      'The sandbox exists already and keeps the mounts that it was made with: /mnt/acp-workspace.',
    ]);
    expect(await place.run('same', 'ls /mnt')).not.toContain('other');
  });

  it('are there again after a restart of the gateway, as far as they are allowed then', async () => {
    await create('revived', [[host('shared/work'), '/mnt/acp-workspace']]);
    await place.restart();
    expect(await place.run('revived', 'cat /mnt/acp-workspace/note')).toBe('shared/work');
    await place.restart({ PADDOCK_MOUNT_ROOTS: '' });
    expect(await place.run('revived', 'cat /mnt/acp-workspace/note || echo none')).toBe('none\n');
  });
});

describe('extra_mounts of a gateway without rights', () => {
  it('belong to the user of the sandbox, who is the gateway', async () => {
    await using place = new Place({ PADDOCK_MOUNT_ROOTS: '$PLACE/shared' }, [
      'unshare',
      '--user',
      '--map-root-user',
      '--',
    ]);
    mkdirSync(place.path('shared/work'), { recursive: true });
    await place.start();
    const mount = { host_path: place.path('shared/work'), container_path: '/mnt/acp-workspace' };
    const created = await place.client.sandboxes.create({ sandbox_id: 'mine', extra_mounts: [mount] });
    expect(created.warnings).toBeUndefined();
    await place.run('mine', 'echo from inside > /mnt/acp-workspace/out');
    expect(readFileSync(place.path('shared/work/out'), 'utf8')).toBe('from inside\n');
  });
});
