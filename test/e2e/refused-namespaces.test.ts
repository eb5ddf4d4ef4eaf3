/** Machines that refuse the namespaces of sandboxes: which setting does so, and what to do, by gateway and doctor alike. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';

const cli = join(dirname(dirname(import.meta.dirname)), 'dist/cli/main.cjs');
const asUser = ['unshare', '--user', '--map-root-user'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'refused-'));
  const says = '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n';
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/bwrap'), says, { mode: 0o755 });
  writeFileSync(join(folder, 'filter'), filterWithoutNamespaces());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cases: readonly [name: string, refuse: () => Refusing, hint: RegExp][] = [
  [
    'user.max_user_namespaces',
    // The setting of a user namespace holds for those below it only.
    () => ({ launcher: [...asUser, ...shell('echo 0 > /proc/sys/user/max_user_namespaces')] }),
    /max_user_namespaces is 0\. Run: sudo sysctl -w user\.max_user_namespaces=\d+/,
  ],
  [
    'kernel.unprivileged_userns_clone',
    () => withSetting('unprivileged_userns_clone', '0'),
    /unprivileged_userns_clone is 0\. Run: sudo sysctl -w kernel\.unprivileged_userns_clone=1/,
  ],
  [
    'AppArmor',
    () => withSetting('apparmor_restrict_unprivileged_userns', '1'),
    /apparmor_restrict_unprivileged_userns is 1\. Run: sudo sysctl .+=0, or give bwrap an AppArmor profile/,
  ],
  ...(process.arch === 'x64'
    ? [
        [
          "a container's seccomp filter",
          () => ({ launcher: filtered() }),
          /A seccomp filter is in force.+--security-opt seccomp=unconfined/,
        ] as [string, () => Refusing, RegExp],
      ]
    : []),
];

describe.each(cases)('a machine whose namespaces are refused by %s', (_, refuse, hint) => {
  it('is told so at the start of a gateway, which does not do without', async () => {
    const { launcher, env } = refuse();
    const failure: unknown = await startGateway(env, launcher).catch((error: unknown) => error);
    const text = String(failure);
    expect(text).toMatch(/error: this machine does not let us make namespaces: bwrap: \S/);
    expect(text).toMatch(hint);
    expect(text).toContain('PADDOCK_ISOLATION=none');
  });

  it('is told the same by `paddock doctor`', async () => {
    const { launcher, env } = refuse();
    const { exitCode, stdout } = await doctor(launcher, env);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /^fail {2}namespaces +this machine does not let us make them: bwrap: \S.*\n +hint: /m,
    );
    expect(stdout).toMatch(hint);
  });

  it('runs trusted code without isolation when that is asked for', async () => {
    const { launcher, env } = refuse();
    await using gateway = await startGateway({ ...env, PADDOCK_ISOLATION: 'none' }, launcher);
    const headers = { 'x-sandbox-id': 'a' };
    const { body } = await gateway.connection.send(
      'POST',
      '/v1/bash/exec',
      { command: 'echo works' },
      headers,
    );
    expect(body).toContain('works');
  });
});

interface Refusing {
  readonly launcher: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function shell(script: string): string[] {
  return ['sh', '-c', `${script} && exec "$@"`, 'sh'];
}

/** A kernel that has a setting which this one may lack, and a bubblewrap that fails as it does there. */
function withSetting(name: string, value: string): Refusing {
  const settings = join(folder, name);
  mkdirSync(settings, { recursive: true });
  writeFileSync(join(settings, name), `${value}\n`);
  return {
    launcher: [...asUser, '--mount', ...shell(`mount --bind ${settings} /proc/sys/kernel`)],
    env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
  };
}

/** Behind the filter everything runs that does not make namespaces. */
function filtered(): string[] {
  const options = ['--dev-bind', '/', '/', '--die-with-parent', '--seccomp', '9', '--'];
  return [...asUser, 'sh', '-c', `exec bwrap ${options.join(' ')} "$@" 9<${join(folder, 'filter')}`, 'sh'];
}

/** What Docker's default filter does to a container without CAP_SYS_ADMIN, for x86-64: a program of classic BPF. */
function filterWithoutNamespaces(): Buffer {
  const [load, equal, given, answer] = [0x20, 0x15, 0x45, 0x06];
  const namespaces = 0x7e02_0000; // CLONE_NEW*
  const [allow, eperm, enosys] = [0x7fff_0000, 0x0005_0001, 0x0005_0026];
  const steps: [code: number, ifTrue: number, ifFalse: number, value: number][] = [
    [load, 0, 0, 0], // the number of the system call
    [equal, 6, 0, 435], // clone3, whose flags no filter can see
    [equal, 2, 0, 56], // clone
    [equal, 1, 0, 272], // unshare
    [answer, 0, 0, allow],
    [load, 0, 0, 16], // its flags
    [given, 0, 2, namespaces],
    [answer, 0, 0, eperm],
    [answer, 0, 0, enosys],
    [answer, 0, 0, allow],
  ];
  const program = Buffer.alloc(steps.length * 8);
  for (const [i, [code, ifTrue, ifFalse, value]] of steps.entries()) {
    program.writeUInt16LE(code, i * 8);
    program.writeUInt8(ifTrue, i * 8 + 2);
    program.writeUInt8(ifFalse, i * 8 + 3);
    program.writeUInt32LE(value, i * 8 + 4);
  }
  return program;
}

function doctor(launcher: readonly string[], env: Refusing['env']) {
  const [program = 'sh', ...args] = [...launcher, process.execPath, cli, 'doctor'];
  const data = { PADDOCK_PORT: '0', PADDOCK_DATA_DIR: join(folder, 'data') };
  return new Promise<{ exitCode: unknown; stdout: string }>((resolve) => {
    execFile(program, args, { env: { ...process.env, ...data, ...env } }, (error, stdout) =>
      resolve({ exitCode: error?.code ?? 0, stdout }),
    );
  });
}
