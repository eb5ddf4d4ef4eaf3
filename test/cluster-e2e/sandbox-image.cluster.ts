/** What a conversation finds in the image of a sandbox, in a pod of the pool, whichever user that runs as. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, endCluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait.ts';
import { install, paddock, startWithImages, untilServing } from './cli.ts';

const name = `image-${process.pid}`;
const port = 8099;
const users = [1000, 12_345];
let cluster: Cluster;
let packageIndex: ChildProcess | undefined;

beforeAll(async () => {
  cluster = await startWithImages(name);
  packageIndex = servePackages();
  await Promise.all(
    users.map(async (user) => {
      const sandbox = (yaml: string) => yaml.replaceAll(/(runAs(?:User|Group)): 1000/g, `$1: ${user}`);
      await install(cluster, namespaceOf(user), { sandbox });
      await untilServing(cluster, namespaceOf(user), 'pool');
      await paddock(cluster, ['--namespace', namespaceOf(user), 'create', 'box']);
    }),
  );
});

afterAll(async () => {
  if (packageIndex?.exitCode === null) {
    packageIndex.kill();
    await once(packageIndex, 'close');
  }
  await endCluster(name);
});

describe.each(users)('a sandbox of user %i', (user) => {
  const run = (script: string) => inSandbox(user, script);

  it('runs as that user, without rights, on a system that it cannot change', async () => {
    expect(await run('id -u')).toBe(`${user}`);
    expect(await run("grep -h 'CapEff\\|NoNewPrivs' /proc/self/status | tr -d '\\t\\n'")).toBe(
      'CapEff:0000000000000000NoNewPrivs:1',
    );
    expect(await run('touch /usr/bin/mine 2>&1; find / -xdev -perm /6000 -type f 2>/dev/null || true')).toBe(
      "touch: cannot touch '/usr/bin/mine': Read-only file system",
    );
  });

  it('has the tools that agents reach for', async () => {
    const tools =
      'bash curl file git jq less make node npm npx pip python3 rg rsync sqlite3 tar unzip uv zip';
    expect(await run(`for tool in ${tools}; do command -v $tool >/dev/null || echo no $tool; done`)).toBe('');
    expect(
      await run(
        'git init -q r && cd r && date > f && git add f && git commit -qm one && git log --format=%s',
      ),
    ).toBe('one');
  });

  it('installs packages of PyPI and npm, whose programs are found', async () => {
    const index = `http://${cluster.addresses.internet}:${port}`;
    const pip = `pip install -q --index-url ${index}/simple/ --trusted-host ${cluster.addresses.internet} greeting`;
    expect(await run(`${pip} && greeting`)).toBe('hello of PyPI');
    expect(
      await run(
        `pip uninstall -qy greeting && npm install -g --silent --registry ${index}/ greeting >&2 && hash -r && greeting`,
      ),
    ).toBe('hello of npm');
    expect(await run('python3 -m venv v && v/bin/python -c "print(6 * 7)"')).toBe('42');
  });

  it("does not show its server's environment or memory to what runs in it", async () => {
    const server = 'pid=$(pgrep -f -o /opt/paddock/server/main.cjs) && test -n "$pid"';
    expect(
      await run(
        `${server} && for f in environ maps mem; do head -c 1 /proc/$pid/$f 2>&1 | grep -o 'Permission denied'; done; true`,
      ),
    ).toBe(Array(3).fill('Permission denied').join('\n'));
    expect(await run('cat /opt/paddock/bin/node 2>&1 >/dev/null || true')).toMatch(/Permission denied$/);
    expect(await run('env | grep "^PADDOCK_\\|^KUBERNETES_" | grep -v "^PADDOCK_COMMAND_ID=" || true')).toBe(
      '',
    );
  });

  it('leaves no dead processes behind', async () => {
    await run('for i in $(seq 20); do (setsid sh -c "sleep 0.1 & exit" &) ; done');
    await waitFor({ what: 'none is left', timeoutMs: 20_000 }, async () => {
      return (await run("ps -eo stat= | grep -c '^Z' || true")) === '0';
    });
  });
});

describe('the image of a sandbox', () => {
  it('lists what it consists of', async () => {
    const program = `
import json, subprocess
parts = json.load(open("/usr/share/doc/paddock/sbom.cdx.json"))["components"]
listed = {part["name"] for part in parts if part["purl"].startswith("pkg:deb/")}
there = set(subprocess.check_output(["dpkg-query", "-W", "-f", "\${Package}\\n"], text=True).split())
print(sorted(listed ^ there))
print({"@lydell/node-pty", "zod"} <= {part["name"] for part in parts if part["purl"].startswith("pkg:npm/")})`;
    expect(await inSandbox(1000, `python3 - <<'END'\n${program}\nEND`)).toBe('[]\nTrue');
  });
});

function namespaceOf(user: number): string {
  return `user-${user}`;
}

/** Runs a script of bash, which must succeed. @returns what it printed */
async function inSandbox(user: number, script: string): Promise<string> {
  const command = ['--namespace', namespaceOf(user), 'exec', 'box', '--', 'bash', '-c', script];
  const { exitCode, stdout, stderr } = await paddock(cluster, command);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${script}\n${stdout}${stderr}`);
  return stdout.trim();
}

function servePackages(): ChildProcess {
  const program = join(import.meta.dirname, '../cluster/fixtures/package-index.py');
  const [command = '', ...args] = [
    ...cluster.enterInternet(),
    ...['python3', program, cluster.addresses.internet, `${port}`],
  ];
  return spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
}
