/** Processes outside of the sandbox, and what processes share. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gateway as Client } from '@paddock/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { python, run } from './inside.ts';

/** For what comes to hold once a program has started. */
const patient = { timeout: 10_000 };

/** Root of the machine, who can make every user's files. */
const isRoot = process.getuid?.() === 0 && readFileSync('/proc/self/uid_map', 'utf8').includes('4294967295');

describe('Processes of others', () => {
  const key = 'key-in-the-environment';
  let gateway: Gateway;
  let outside: ChildProcess;
  beforeAll(async () => {
    gateway = await startGateway({
      PADDOCK_NETWORK: 'none',
      PADDOCK_WARM_SANDBOXES: '2',
      SANDBOX_API_KEY: key,
    });
    outside = spawn('sleep', ['300']);
    // With its unit the number stands in no random id.
    await run(gateway, 'victim', 'MARK=of-the-victim nohup sleep 4711s > /dev/null 2>&1 &', key);
  });
  afterAll(async () => {
    outside.kill();
    await once(outside, 'exit');
    await gateway[Symbol.asyncDispose]();
  });

  const victim = (command: string) => run(gateway, 'victim', command, key);
  const thief = (command: string) => run(gateway, 'thief', command, key);
  const look = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr "\\0" "\\n"';

  it('their command lines, environments and memory', async () => {
    expect(await victim(look)).toMatch(/4711s[\s\S]*of-the-victim/);
    const seen = await thief(`export MINE=own-mark; sleep 0 & ${look}; cat /proc/$$/environ`);
    for (const foreign of ['4711s', 'of-the-victim', key, gateway.url]) expect(seen).not.toContain(foreign);
    expect(await thief('MINE=own-mark cat /proc/self/environ')).toContain('own-mark');
    for (const file of ['environ', 'mem', 'maps', 'fd/0'])
      expect(await thief(`head -c 1 /proc/1/${file} && echo read`)).toMatch(/Permission denied|No such/);
  });

  it('signals', async () => {
    const pid = outside.pid ?? 0;
    expect(await thief('sleep 300 & kill -9 $! && echo killed')).toContain('killed');
    expect(await thief(`kill -9 ${pid}; kill -9 ${gateway.child.pid}; kill -9 -- -${pid}`)).toMatch(
      /No such process/,
    );
    expect(await thief('kill -9 1; read -rt 0.1 < /dev/zero; echo still')).toMatch(/still\n/);
    await thief('kill -9 -1').catch(() => {}); // All that it may, its own server among that.
    expect(outside.exitCode ?? outside.signalCode).toBeNull();
    expect(await victim('pgrep -f "sleep 4711s" | head -1')).toMatch(/^\d+\n$/);
    expect(await thief('echo again')).toBe('again\n');
  });

  it('a debugger', async () => {
    const attach = `
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
child = subprocess.Popen(["sleep", "300"])
print("own", libc.ptrace(16, child.pid, None, None))
child.kill()
for pid in [1, ${outside.pid}, ${gateway.child.pid}]:
    print("other", libc.ptrace(16, pid, None, None), os.strerror(ctypes.get_errno()))
    try:
        os.pidfd_open(pid)
        print("handle", libc.syscall(438, os.pidfd_open(pid), 0, 0), os.strerror(ctypes.get_errno()))
    except OSError as error:
        print("handle -1", error.strerror)
`;
    const said = await thief(`/usr/bin/python3 -c '${attach}'`);
    expect(said).toMatch(/^own 0\n/);
    expect(said.match(/^(other|handle) -1 /gm)).toHaveLength(6);
  });

  it('abstract sockets', async () => {
    const listen = (name: string) => `
import socket, time
s = socket.socket(socket.AF_UNIX); s.bind("\\0${name}"); s.listen(); time.sleep(300)`;
    const ask = (name: string) => `
import socket
try:
    socket.socket(socket.AF_UNIX).connect("\\0${name}"); print("connected")
except OSError as error:
    print(error.strerror)`;
    const name = `attack-${process.pid}`;
    const server = createServer((socket) => socket.end()).listen(`\0${name}-host`);
    await once(server, 'listening');
    try {
      expect(spawnSync('python3', ['-c', ask(`${name}-host`)], { encoding: 'utf8' }).stdout).toBe(
        'connected\n',
      );
      await victim(`/usr/bin/python3 -c '${listen(`${name}-victim`)}' > /dev/null 2>&1 &`);
      await expect
        .poll(() => victim(`/usr/bin/python3 -c '${ask(`${name}-victim`)}'`), patient)
        .toBe('connected\n');
      for (const place of ['host', 'victim'])
        expect(await thief(`/usr/bin/python3 -c '${ask(`${name}-${place}`)}'`)).toBe('Connection refused\n');
    } finally {
      server.close();
    }
  });

  it('shared memory', async () => {
    const get = (flags: string) =>
      `/usr/bin/python3 -c 'import ctypes; print(ctypes.CDLL(None).shmget(0x5ec, 64, ${flags}) >= 0)'`;
    expect(await victim(`echo mine > /dev/shm/mark; ${get('0o1666')}`)).toBe('True\n');
    expect(await victim(`cat /dev/shm/mark; ${get('0')}`)).toBe('mine\nTrue\n');
    expect(await thief(`cat /dev/shm/mark; ${get('0')}`)).toMatch(/^False\n.*No such file/s);
  });
});

describe('Rights that a sandbox is not to get', () => {
  const calls = { x64: [248, 250], arm64: [217, 219] }[process.arch as string] ?? [];
  const enterKeyring = `
import ctypes, os, sys
libc = ctypes.CDLL(None)
ok = libc.syscall(${calls[1]}, 1, None) > 0 and libc.syscall(${calls[0]}, b"user", b"attack", b"in the keyring", 14, -3) > 0
if not ok: sys.exit(1)
os.execvp(sys.argv[1], sys.argv[1:])`;
  const readKeyring = `
import ctypes
libc = ctypes.CDLL(None)
key = libc.syscall(${calls[1]}, 10, -3, b"user", b"attack", 0)
content = ctypes.create_string_buffer(64)
print(libc.syscall(${calls[1]}, 11, key, content, 64), content.value.decode())`;
  const enter = ['python3', '-c', enterKeyring];
  const control = spawnSync('python3', ['-c', enterKeyring, 'python3', '-c', readKeyring], {
    encoding: 'utf8',
  });

  it.skipIf(control.status !== 0)('keys in the keyring of the gateway', async () => {
    expect(control.stdout).toBe('14 in the keyring\n');
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none' }, enter);
    expect(await python(gateway, 'a', readKeyring)).toBe('-1 \n');
  });

  it.skipIf(!isRoot)('root, by a program with the set-user-id bit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'setuid-'));
    try {
      const program = join(folder, 'id');
      copyFileSync('/usr/bin/id', program);
      chmodSync(program, 0o4755);
      chmodSync(folder, 0o755);
      // By a descriptor: nobody may enter the folders above it.
      const fd = openSync(program, 'r');
      const asNobody = ['--reuid=65534', '--clear-groups', '--', '/proc/self/fd/3', '-u'];
      const control = spawnSync('setpriv', asNobody, { stdio: ['ignore', 'pipe', 'inherit', fd] });
      closeSync(fd);
      expect(String(control.stdout)).toBe('0\n');
      await using gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_MOUNT_ROOTS: folder });
      const mount = { host_path: program, container_path: '/mnt/id', read_only: true };
      await new Client({ baseUrl: gateway.url }).sandboxes.create({ sandbox_id: 'a', extra_mounts: [mount] });
      expect(await run(gateway, 'a', 'ls -l /mnt/id; /mnt/id -u')).toMatch(/^-rws.*\n1000\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('capabilities, by the way in or by namespaces', async () => {
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none' });
    const shell = (command: string) => run(gateway, 'a', command);
    expect(await shell('grep -E "CapEff|CapPrm|NoNewPrivs" /proc/self/status')).toBe(
      'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n',
    );
    // In a namespace of its own it may do all that concerns that one, and nothing else.
    expect(await shell('unshare -r --uts sh -c "hostname mine && hostname"; hostname')).toBe(
      'mine\nsandbox\n',
    );
    for (const attempt of [
      'hostname mine',
      'unshare -r hostname mine',
      'nsenter -t 1 -n true',
      'unshare -r nsenter -t 1 -n true',
      'unshare -r nsenter -t 1 -U true',
      'chroot / true',
      'unshare -r date -s @$(date +%s)',
      'unshare -r dmesg --console-level 7',
    ])
      expect([attempt, await shell(`${attempt} && echo done`)]).toEqual([
        attempt,
        expect.not.stringContaining('done'),
      ]);
  });
});
