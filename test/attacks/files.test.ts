/** Files that are not the sandbox's own, and what it may only read. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway as Client } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { python, run } from './inside.ts';

describe('Files of others', () => {
  const secret = 'the-secret-of-the-victim';
  let folder: string;
  let dataDir: string;
  let gateway: Gateway;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'files-'));
    dataDir = join(folder, 'data');
    mkdirSync(join(folder, 'shared'));
    gateway = await startGateway({
      PADDOCK_NETWORK: 'none',
      PADDOCK_WARM_SANDBOXES: '2',
      PADDOCK_DATA_DIR: dataDir,
      PADDOCK_MOUNT_ROOTS: join(folder, 'shared'),
    });
    await run(
      gateway,
      'victim',
      `echo ${secret} | tee ~/secret /tmp/secret > secret; chmod -R a+rX . ~ /tmp`,
    );
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The folder on the machine that a sandbox has at a path. */
  const hostPath = async (id: string, path: string) =>
    (await run(gateway, id, `findmnt -no FSROOT ${path}`)).trim();
  const thief = (command: string) => run(gateway, 'thief', command);

  it('by their paths on the machine', async () => {
    const workspace = await hostPath('victim', '/mnt/user-data/workspace');
    expect(readFileSync(join(workspace, 'secret'), 'utf8')).toBe(`${secret}\n`);
    const own = await hostPath('thief', '/mnt/user-data/workspace');
    const paths = [
      `${workspace}/secret`,
      `${own}/../../*/workspace/secret`,
      `${dataDir}/path.key`,
      '/etc/shadow',
    ];
    for (const path of paths) expect(await thief(`cat ${path}`)).toMatch(/No such file|Permission denied/);
    expect(
      await thief(`cat ~/secret /tmp/secret secret; grep -rs ${secret} /run /mnt /home /tmp /var /root`),
    ).not.toContain(`${secret}\n`);
    expect(await run(gateway, 'victim', 'cat ~/secret /tmp/secret secret')).toBe(`${secret}\n`.repeat(3));
  });

  it('by /proc: the root, folders and descriptors of other processes', async () => {
    const workspace = await hostPath('victim', '/mnt/user-data/workspace');
    const found = await thief(`
      cat /proc/self/root/etc/hostname
      for p in /proc/[0-9]*; do cat $p/root${workspace}/secret $p/cwd/secret $p/fd/*/secret; done
      cat /proc/1/root/etc/hostname && echo entered
      ls /proc/1/fd /proc/1/cwd/ && echo listed`);
    expect(found).toMatch(/^sandbox\n/);
    expect(found).not.toContain(secret);
    expect(found).not.toMatch(/entered|listed/);
  });

  it('by links that the file API is to follow', async () => {
    const workspace = await hostPath('victim', '/mnt/user-data/workspace');
    await thief(
      `echo mine > own; ln -s own good; ln -s ${workspace}/secret bad; ln -s ${dataDir}/path.key key; ln -s /proc/1/root root`,
    );
    const read = (file: string) =>
      gateway.connection.send(
        'POST',
        '/v1/file/read',
        { file: `/mnt/user-data/workspace/${file}` },
        { 'x-sandbox-id': 'thief' },
      );
    expect((await read('good')).body).toContain('mine');
    for (const link of ['bad', 'key', `root${workspace}/secret`]) {
      const { status, body } = await read(link);
      expect([link, status]).toEqual([
        link,
        expect.toSatisfy((code: number) => code === 403 || code === 404),
      ]);
      expect(body).not.toContain(secret);
    }
  });

  it('as the user that another sandbox is on the machine', async () => {
    const { uid } = statSync(await hostPath('victim', '/home/sandbox'));
    const said = await python(
      gateway,
      'thief',
      `
import os
for uid in [0, 1, 65534, 1900000000, ${uid}]:
    try:
        os.setuid(uid)
        print("became", os.getuid())
    except OSError as error:
        print("refused", error.strerror)
`,
    );
    expect(said).not.toContain('became');
    const mapped = `unshare --user sh -c "echo 0 ${uid} 1 > /proc/self/uid_map && id -u"`;
    expect(await thief(mapped)).not.toMatch(/^0\n/);
    expect(await thief('unshare --user --map-root-user id -u')).toBe('0\n');
  });

  it('by mounts of the host that are not allowed', async () => {
    writeFileSync(join(folder, 'shared', 'note'), 'allowed', { mode: 0o644 });
    symlinkSync('/etc', join(folder, 'shared', 'link'));
    const client = new Client({ baseUrl: gateway.url });
    const mounts = [
      '/etc',
      dataDir,
      join(folder, 'shared', 'link'),
      join(folder, 'shared', '..', 'data'),
      '/proc/self/root/etc',
      '/',
    ];
    const { warnings = [] } = await client.sandboxes.create({
      sandbox_id: 'mounter',
      extra_mounts: [
        { host_path: join(folder, 'shared', 'note'), container_path: '/mnt/allowed', read_only: true },
        ...mounts.map((host_path, i) => ({
          host_path,
          container_path: `/mnt/refused-${i}`,
          read_only: true,
        })),
      ],
    });
    expect(warnings).toHaveLength(mounts.length);
    expect(await run(gateway, 'mounter', 'cat /mnt/allowed; ls -d /mnt/refused-*')).toMatch(
      /^allowed.*No such file/s,
    );
  });
});

describe('What may only be read', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const shell = (command: string) => run(gateway, 'a', command);
  const places = ['/usr/bin', '/etc', '/mnt/skills', '/opt/paddock/server', '/', '/proc/sys/kernel'];

  it('the system, skills and the server, written to', async () => {
    for (const place of places)
      expect(await shell(`echo x > ${place}/x && echo wrote`)).not.toContain('wrote');
    const own = ['~', '.', '/tmp', '/dev/shm'];
    for (const place of own) expect(await shell(`echo x > ${place}/x && echo wrote`)).toBe('wrote\n');
    // Opened and not written: were it let in, the machine must not suffer for it.
    const settings = [
      'kernel/core_pattern',
      'kernel/modprobe',
      'vm/drop_caches',
      'fs/file-max',
      'net/ipv4/ip_forward',
    ];
    const kernels = [...settings.map((name) => `/proc/sys/${name}`), '/proc/sysrq-trigger'];
    for (const file of kernels)
      expect([file, await shell(`: >> ${file} && echo opened`)]).toEqual([
        file,
        expect.not.stringContaining('opened\n'),
      ]);
    expect(await shell(': >> ~/x && echo opened')).toBe('opened\n');
    expect(
      await shell(
        "find /proc -not -path '/proc/[0-9]*' -not -path '/proc/pressure/*' -type f -writable 2> /dev/null",
      ),
    ).toBe('');
    expect(await shell('chmod 666 /dev/null && echo changed')).not.toContain('changed');
  });

  it('settings of the kernel, where the gateway is root of nothing but itself', async () => {
    const file = '/proc/sys/kernel/core_pattern';
    const enter = ['unshare', '--user', '--map-root-user', '--'];
    // Whoever is root by number may open it there, without a right to anything.
    if (process.getuid?.() === 0)
      expect(spawnSync('unshare', [...enter.slice(1), 'sh', '-c', `: >> ${file}`]).status).toBe(0);
    await using unprivileged = await startGateway({ PADDOCK_NETWORK: 'none' }, enter);
    expect(
      await run(unprivileged, 'a', `cat ${file} > read && echo read; : >> ${file} && echo opened`),
    ).toMatch(/^read\n(?!opened)/);
  });

  it('the same by hard links and by /proc/self/root', async () => {
    expect(await shell('echo own > file; ln file link && echo more >> link; cat file')).toBe('own\nmore\n');
    const files = ['/usr/bin/env', '/opt/paddock/server/main.cjs', '/opt/paddock/bin/node', '/etc/passwd'];
    for (const file of files) {
      expect(await shell(`ln ${file} ~/hard && echo linked`)).not.toContain('linked');
      expect(await shell(`echo x >> /proc/self/root${file} && echo wrote`)).not.toContain('wrote');
      expect(await shell(`rm -f ${file} || mv ${file} /tmp/`)).toMatch(/Read-only|Permission denied|busy/);
    }
  });

  it('mounts over it, remounts and unmounts', async () => {
    const within = (command: string) => shell(`unshare --user --map-root-user --mount sh -c '${command}'`);
    expect(await within('mount -t tmpfs none /tmp && touch /tmp/x && echo mounted')).toBe('mounted\n');
    for (const place of ['/usr', '/mnt/skills', '/opt/paddock/server', '/']) {
      expect(await shell(`mount -o remount,rw,bind ${place} && echo done`)).not.toContain('done');
      expect(await within(`mount -o remount,rw,bind ${place} && echo done`)).not.toContain('done');
      expect(await within(`umount ${place} && echo done`)).not.toContain('done');
    }
    // What it mounts over things is seen by itself alone.
    await within('mount -t tmpfs none /mnt/skills && sleep 0.01');
    expect(await shell('findmnt -no FSTYPE /mnt/skills')).not.toContain('tmpfs');
  });

  it('devices of the machine', async () => {
    expect(await shell('echo x > /dev/null && head -c 1 /dev/urandom | wc -c')).toBe('1\n');
    const kept = 'full null random tty urandom zero core fd ptmx pts shm stderr stdin stdout console'.split(
      ' ',
    );
    const there = (await shell('ls /dev')).trim().split('\n');
    expect(there.filter((name) => !kept.includes(name))).toEqual([]);
    expect(await shell('mknod disk b 8 0 && echo made')).not.toContain('made');
    expect(await shell('unshare --user --map-root-user mknod disk b 8 0 && echo made')).not.toContain('made');
    for (const file of ['/proc/kcore', '/proc/kmsg', '/dev/mem', '/dev/kmsg', '/proc/1/mem'])
      expect(await shell(`head -c 1 ${file} > /dev/null && echo read`)).not.toContain('read\n');
    expect(await shell('ls /sys')).toContain('No such file');
  });
});
