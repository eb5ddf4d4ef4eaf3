import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Gateway } from '@paddock/client';
import { type Config, ConfigError, loadConfig } from '@paddock/config';
import { type Check, fail, ok, warn } from './check.ts';

/** Whether a gateway could start with the settings that hold here. */
export async function checkSettings(signal: AbortSignal): Promise<Check[]> {
  let config: Config;
  try {
    config = loadConfig({ argv: [] }).config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ message, hint }) => fail('settings', message, hint));
  }
  const settings = ok('settings', 'valid; `paddock config` shows them');
  return [settings, checkDataFolder(config.dataDir), await checkPort(config, signal)];
}

/** It is made when it is missing, so the nearest folder that is there must be writable. */
function checkDataFolder(folder: string): Check {
  const name = 'data folder';
  let nearest = folder;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const probe = join(nearest, `.paddock-doctor-${randomUUID()}`);
  try {
    writeFileSync(probe, '', { flag: 'wx' });
    return ok(name, nearest === folder ? `${folder} is writable` : `${folder} can be made`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fail(name, `${folder} cannot be written: ${reason}`, 'Set PADDOCK_DATA_DIR to another folder.');
  } finally {
    rmSync(probe, { force: true });
  }
}

async function checkPort({ host, port }: Config, signal: AbortSignal): Promise<Check> {
  const place = `${host}:${port}`;
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening', { signal });
    return ok('port', `${place} is free`);
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? error.code : String(error);
    if (code === 'EADDRINUSE' && (await isGateway(port, signal))) {
      return ok('port', `${place} is that of a gateway that runs`);
    }
    const message = code === 'EADDRINUSE' ? `${place} is in use` : `${place} cannot be listened on: ${code}`;
    return fail('port', message, 'Set PADDOCK_PORT to another port.');
  } finally {
    server.close();
  }
}

async function isGateway(port: number, signal: AbortSignal): Promise<boolean> {
  return (await answers(`http://127.0.0.1:${port}`, undefined, signal)) === undefined;
}

/** Whether a gateway answers at its address. */
export async function checkGateway(
  { baseUrl, apiKey, named }: { baseUrl: string; apiKey: string | undefined; named: boolean },
  signal: AbortSignal,
): Promise<Check> {
  const { origin } = new URL(baseUrl);
  const reason = await answers(baseUrl, apiKey, signal);
  if (reason === undefined) return ok('gateway', `answers at ${origin}`);
  return (named ? fail : warn)('gateway', reason, 'Start one with `paddock serve`, or correct --url.');
}

const answerLimitMs = 2_000;

/** Why no gateway answers, or undefined when one does. */
async function answers(
  baseUrl: string,
  apiKey: string | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(answerLimitMs);
  try {
    const gateway = new Gateway({ baseUrl, apiKey, retries: 0, signal });
    await gateway.service.health({}, { signal: limit });
    if (apiKey !== undefined) await gateway.sandboxes.list({}, { signal: limit });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return `nothing answers at ${new URL(baseUrl).origin} within ${answerLimitMs} ms`;
    return error instanceof Error ? error.message : String(error);
  }
}
