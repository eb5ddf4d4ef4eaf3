/**
 * The gateway's program.
 *
 * When it serves it writes one line of JSON to the descriptor that PADDOCK_READY_FD names, else to standard output; its
 * log goes to standard error. SIGINT and SIGTERM end it, and with PADDOCK_EXIT_WITH_STDIN=1 the end of standard input.
 */
import { existsSync, mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError, loadConfig } from '@paddock/config';
import { pino } from 'pino';
import { SetupError } from './engines/engine.ts';
import { startGateway } from './gateway.ts';

async function main(): Promise<void> {
  const { config, sources, warnings } = loadConfig();
  const log = pino({ level: config.logLevel, base: null }, pino.destination({ fd: 2, sync: true }));
  for (const warning of warnings) log.warn(warning);
  const stop = stopSignal();
  const hasOwnSkills = sources.skillsPath.from !== 'default' || config.engine !== 'local';
  const skillsPath = hasOwnSkills ? config.skillsPath : skillsOrNone(config);
  const gateway = await startGateway({
    config: { ...config, skillsPath },
    log,
    serverFolder: findServerFolder,
  });
  tellReady({ ready: true, url: gateway.url, ...gateway.facts });
  log.info({ reason: await stop }, 'stopping');
  await gateway.close();
}

/** Whoever names no folder of skills may have none: an empty one stands in. */
function skillsOrNone({ skillsPath, dataDir }: Config): string {
  if (existsSync(skillsPath)) return skillsPath;
  const none = join(dataDir, 'no-skills');
  mkdirSync(none, { recursive: true });
  return none;
}

/** The sandbox server's bundle: beside this program's own, or where a checkout builds it. */
function findServerFolder(): string {
  const candidates = [
    join(import.meta.dirname, '../sandbox'),
    join(import.meta.dirname, '../../../dist/sandbox'),
  ];
  const found = candidates.find((folder) => existsSync(join(folder, 'main.cjs')));
  if (!found) throw new SetupError('the sandbox server is not built', 'Run: make build');
  return found;
}

function stopSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
    if (process.env.PADDOCK_EXIT_WITH_STDIN !== '1') return;
    process.stdin.resume();
    process.stdin.once('end', () => resolve('standard input ended'));
    process.stdin.once('error', () => resolve('standard input failed'));
  });
}

function tellReady(facts: object): void {
  const fd = Number(process.env.PADDOCK_READY_FD || 1);
  writeSync(fd, `${JSON.stringify(facts)}\n`);
}

function complain(error: unknown): void {
  if (error instanceof ConfigError || error instanceof SetupError) {
    process.stderr.write(`error: ${error.message}\nhint: ${error.hint}\n`);
  } else {
    process.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    complain(error);
    process.exit(1);
  },
);
