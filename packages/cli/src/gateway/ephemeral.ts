import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { loadConfig } from '@paddock/config';
import * as z from 'zod/mini';
import { CliError } from '../failure.ts';
import { exitOf, gatewayProgram, spawnGateway } from './child.ts';

/** A gateway that lives as long as its scope. */
interface EphemeralGateway extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apiKey: string;
}

const startLimitMs = 30_000;
const stopLimitMs = 10_000;

/**
 * Starts a gateway on a free port of loopback, with its own key and a temporary data folder, and waits until it serves. At
 * the end of its scope it, its sandboxes and its files are gone.
 *
 * @throws CliError with the gateway's own words when it does not start, and ConfigError.
 */
export async function startEphemeralGateway(
  signal: AbortSignal,
  program = gatewayProgram(),
): Promise<EphemeralGateway> {
  await using started = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'paddock-run-'));
  started.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 3 }));
  const apiKey = randomBytes(24).toString('base64url');
  // Flags win over a paddock.yaml, and nothing is kept warm for a second sandbox that never comes.
  const args = [
    '--host=127.0.0.1',
    '--port=0',
    `--data-dir=${dataDir}`,
    '--warm-sandboxes=0',
    '--drain-seconds=1',
    ...skillsFlag(dataDir),
  ];
  const env = { SANDBOX_API_KEY: apiKey, PADDOCK_READY_FD: '3', PADDOCK_LOG_LEVEL: 'warn' };
  const child = spawnGateway(program, args, env, ['ignore', 'pipe', 'pipe']);
  started.defer(() => stop(child));
  const baseUrl = await ready(child, signal);
  const owned = started.move();
  return { baseUrl, apiKey, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Whoever named no skills and stands in a folder without any gets none: that must not keep a run from starting. */
function skillsFlag(dataDir: string): string[] {
  const { config, sources } = loadConfig({ argv: [] });
  if (sources.skillsPath.from !== 'default' || existsSync(config.skillsPath)) return [];
  const empty = join(dataDir, 'skills');
  mkdirSync(empty);
  return [`--skills-path=${empty}`];
}

/** What the gateway writes to PADDOCK_READY_FD. */
const readyLine = z.object({ ready: z.literal(true), url: z.url() });

async function ready(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const said = tail(child.stderr);
  const settled = new AbortController();
  const limit = AbortSignal.timeout(startLimitMs);
  try {
    return await Promise.race([
      firstLine(child.stdio[3] as Readable).then((line) => readyLine.parse(JSON.parse(line)).url),
      exitOf(child).then((code) => Promise.reject(endedEarly(code, said()))),
      aborted(AbortSignal.any([signal, limit]), settled.signal),
    ]);
  } catch (error) {
    if (error !== limit.reason) throw error;
    throw new CliError(`the gateway did not start within ${startLimitMs / 1000} seconds`, {
      hint: 'Start it by itself with `paddock serve` to see what it waits for.',
    });
  } finally {
    settled.abort();
  }
}

/** Never settles when the pipe ends without a line: the exit that ended it tells more. */
function firstLine(pipe: Readable): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: pipe }).once('line', resolve);
  });
}

function aborted(signal: AbortSignal, settled: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { signal: settled });
  });
}

/** The last of what a child prints, for when it fails. The pipe must be read in any case, or a full one stops the child. */
function tail(pipe: Readable | null): () => string {
  let kept = '';
  pipe?.setEncoding('utf8').on('data', (chunk: string) => {
    kept = (kept + chunk).slice(-8_192);
  });
  return () => kept;
}

function endedEarly(code: number, said: string): CliError {
  const lines = said.trim().split('\n');
  const told = (label: string) =>
    lines
      .find((line) => line.startsWith(label))
      ?.slice(label.length)
      .trim();
  return new CliError(told('error:') ?? `the gateway ended with exit code ${code}: ${lines.at(-1)}`, {
    hint: told('hint:') ?? 'Start it by itself with `paddock serve` to see all that it prints.',
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  child.kill('SIGTERM');
  // The whole group, for a gateway that hangs may have left children.
  const force = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), stopLimitMs);
  try {
    await exitOf(child);
  } finally {
    clearTimeout(force);
    // What the gateway started may still hold the other ends.
    for (const pipe of child.stdio) pipe?.destroy();
  }
}
