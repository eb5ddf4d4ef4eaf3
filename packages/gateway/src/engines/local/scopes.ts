import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '@paddock/config/machine';
import {
  type Controller,
  controllers,
  type Group,
  type Launcher,
  type Limiter,
  type Limits,
} from './limits.ts';

const run = promisify(execFile);
const trialTimeoutMs = 10_000;
const groupRoot = '/sys/fs/cgroup';

/**
 * Limits by the user's service manager, for gateways that may not make control groups themselves: each server is a
 * scope of its own, which systemd removes once it is empty.
 */
export class Scopes implements Limiter {
  readonly controllers: readonly Controller[];
  readonly #systemdRun: string;
  readonly #name: string;
  readonly #properties: readonly string[];

  private constructor(
    systemdRun: string,
    name: string,
    trial: { controllers: readonly Controller[]; properties: readonly string[] },
  ) {
    this.#systemdRun = systemdRun;
    this.#name = name;
    this.controllers = trial.controllers;
    this.#properties = trial.properties;
  }

  /**
   * Finds out by a trial whether this user has a service manager, and which limits it may set.
   *
   * @param name begins the names of the scopes: that of the data folder's group.
   * @returns undefined where there is none.
   */
  static async open(name: string): Promise<Scopes | undefined> {
    const systemdRun = findProgram('systemd-run');
    if (!systemdRun || !process.env.XDG_RUNTIME_DIR) return undefined;
    // Since version 253 a scope ends as a whole when one of its programs takes too much memory, unless it is told otherwise.
    for (const properties of [['OOMPolicy=continue'], []]) {
      const line = [...scope(properties), '--', '/bin/cat', '/proc/self/cgroup'];
      try {
        const { stdout } = await run(systemdRun, line, { timeout: trialTimeoutMs, env: managerEnv() });
        const there = controllersOf(stdout);
        if (there.length > 0) return new Scopes(systemdRun, name, { controllers: there, properties });
      } catch {
        // No manager, or one that does not know the property: the next trial or the engine says so.
      }
    }
    return undefined;
  }

  launcher(id: string, { memoryBytes, cpus, processes }: Limits): Launcher {
    const limits = [
      ...(memoryBytes > 0 ? [`MemoryMax=${memoryBytes}`] : []),
      ...(cpus > 0 ? [`CPUQuota=${Math.round(cpus * 100)}%`] : []),
      ...(processes > 0 ? [`TasksMax=${processes}`] : []),
    ];
    const unit = `--unit=${this.#name}-${id}.scope`;
    const line = [this.#systemdRun, ...scope([...this.#properties, ...limits]), unit, '--'];
    return { line, env: managerEnv() };
  }

  group(): Group {
    return new ScopeGroup();
  }

  close(): void {}
}

/** The group of a scope: systemd makes and removes it. */
class ScopeGroup implements Group {
  #folder: string | undefined;

  add(pid: number): void {
    this.#folder = groupOf(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  }

  members(): number[] {
    return this.#read('cgroup.procs').split('\n').filter(Boolean).map(Number);
  }

  get ranOutOfMemory(): boolean {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read('memory.events'))?.[1] ?? 0) > 0;
  }

  async remove(): Promise<void> {}

  #read(file: string): string {
    try {
      return this.#folder === undefined ? '' : readFileSync(join(this.#folder, file), 'utf8');
    } catch {
      return ''; // systemd was faster: the scope is gone, and with it what could be read.
    }
  }
}

/** Where the service manager is found, and no more: what starts a sandbox is seen in it, with its variables. */
function managerEnv(): Record<string, string> {
  const { XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS } = process.env;
  return {
    ...(XDG_RUNTIME_DIR !== undefined && { XDG_RUNTIME_DIR }),
    ...(DBUS_SESSION_BUS_ADDRESS !== undefined && { DBUS_SESSION_BUS_ADDRESS }),
  };
}

function scope(properties: readonly string[]): string[] {
  const options = ['--user', '--scope', '--quiet', '--collect'];
  return [...options, ...properties.flatMap((property) => ['--property', property])];
}

function controllersOf(cgroups: string): Controller[] {
  const folder = groupOf(cgroups);
  const text = folder === undefined ? '' : readFileSync(join(folder, '..', 'cgroup.subtree_control'), 'utf8');
  return controllers.filter((name) => text.trim().split(' ').includes(name));
}

/** @param cgroups of /proc/PID/cgroup. */
function groupOf(cgroups: string): string | undefined {
  const path = /^0::(\/.*)$/m.exec(cgroups)?.[1];
  return path === undefined ? undefined : join(groupRoot, path);
}
