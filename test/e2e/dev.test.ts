/** `make dev`, as a person runs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = dirname(dirname(import.meta.dirname));

describe('make dev', () => {
  let folder: string;
  const running = new Set<ChildProcess>();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dev-'));
  });
  afterEach(async () => {
    for (const child of running) await interrupt(child);
    running.clear();
    rmSync(folder, { recursive: true, force: true });
  });

  /** In a process group of its own, as a terminal starts it. */
  const makeDev = (env: Record<string, string>, command = ['make', 'dev']) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, XDG_STATE_HOME: folder, PADDOCK_NETWORK: 'none', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running.add(child);
    return child;
  };

  it('shows code that ran in a sandbox, then where it listens, and ends whole at Ctrl-C', async () => {
    const child = makeDev({ PADDOCK_PORT: '0' });
    const said = await saidUntil(child, 'Ctrl-C stops everything');
    expect(said).toMatch(/100,000 rolls of two dice, mean (6\.9|7\.0)/);
    const [, url] = /Paddock is ready: (http:\/\/127\.0\.0\.1:\d+)/.exec(said) ?? [];
    expect(said.indexOf('rolls of two dice')).toBeLessThan(said.indexOf('Paddock is ready'));
    expect(said).toContain(`base_url: ${url}`);
    const [, curl = ''] = /^ *(curl -s .*)$/m.exec(said) ?? [];
    expect(await output('bash', ['-c', curl])).toContain('"output":"hello from sandbox\\n"');

    await interrupt(child);
    expect(processesNaming(folder)).toEqual([]);
    expect(await output('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', `${url}/health`])).toBe(
      '000',
    );
  });

  it('says in one line that the port is in use, and what to do', async () => {
    const blocker = await listening(createServer());
    const { port } = blocker.address() as AddressInfo;
    const child = makeDev({ PADDOCK_PORT: String(port) });
    const [said] = await Promise.all([text(child.stderr ?? []), once(child, 'exit')]);
    await new Promise((resolve) => blocker.close(resolve));
    expect(said).toMatch(
      new RegExp(`^error: port ${port} on 127.0.0.1 is in use\nhint: .*PADDOCK_PORT`, 'm'),
    );
    expect(child.exitCode).not.toBe(0);
  });

  it('says what is wrong with a configuration, and which key was meant', async () => {
    const config = join(folder, 'paddock.yaml');
    writeFileSync(config, 'warmSandboxs: 3\n');
    const child = makeDev({ PADDOCK_PORT: '0', PADDOCK_CONFIG: config });
    const [said] = await Promise.all([text(child.stderr ?? []), once(child, 'exit')]);
    expect(said).toMatch(/^error: .*warmSandboxs/m);
    expect(said).toMatch(/^hint: .*warmSandboxes/m);
    expect(child.exitCode).not.toBe(0);
  });

  it('says which setting keeps it from making namespaces', async () => {
    const refused = 'echo 0 > /proc/sys/user/max_user_namespaces && exec make dev';
    const child = makeDev({ PADDOCK_PORT: '0' }, ['unshare', '-Ur', 'sh', '-c', refused]);
    const [said] = await Promise.all([text(child.stderr ?? []), once(child, 'exit')]);
    expect(said).toMatch(/^error: this machine does not let us make namespaces/m);
    expect(said).toMatch(/^hint: .*max_user_namespaces is 0/m);
    expect(child.exitCode).not.toBe(0);
  });
});

async function interrupt(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGINT');
  await once(child, 'exit');
}

async function saidUntil(child: ChildProcess, last: string): Promise<string> {
  let said = '';
  for await (const chunk of child.stdout?.setEncoding('utf8') ?? []) {
    said += chunk;
    if (said.includes(last)) break;
  }
  return said;
}

async function output(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return text(child.stdout);
}

async function listening(server: Server): Promise<Server> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

/** Processes that were started with a text in their environment, zombies not among them. */
function processesNaming(name: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(name);
    } catch {
      return false; // It has ended meanwhile, or is not ours.
    }
  });
}
