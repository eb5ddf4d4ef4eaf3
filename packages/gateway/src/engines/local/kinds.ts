import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config, Template } from '@paddock/config';
import type { Logger } from 'pino';
import { SetupError } from '../engine.ts';
import { chooseNetwork } from './network.ts';
import type { ServerSetup } from './server-process.ts';
import { writeSystemFiles } from './system-files.ts';

const mib = 1024 * 1024;

/**
 * How the servers of a template are set up: as all others, but for what the template says.
 *
 * @throws {SetupError} when that cannot be had here.
 */
export function setupOf(
  name: string,
  template: Template,
  base: ServerSetup,
  { config, log }: { config: Pick<Config, 'dataDir'>; log: Logger },
): ServerSetup {
  const { limits, enclosure } = base;
  const { memoryLimitMib, cpuLimit, processLimit, network: wanted, skillsPath } = template;
  if (skillsPath !== undefined) checkSkills(skillsPath, `skillsPath of the template ${name}`);
  if (wanted !== undefined && base.bubblewrap === undefined) {
    throw new SetupError(
      `the template ${name} has a network of its own, which takes isolation`,
      'Leave its network or isolation out.',
    );
  }
  const network = wanted === undefined ? base.network : chooseNetwork(wanted, (text) => log.warn(text));
  if (wanted === 'host')
    log.warn({ template: name }, 'its network is "host": it shares the loopback of this machine');
  const systemFiles =
    wanted === undefined
      ? enclosure.systemFiles
      : writeSystemFiles(join(config.dataDir, 'etc', 'templates', name), network);
  return {
    ...base,
    network,
    limits: {
      memoryBytes: memoryLimitMib === undefined ? limits.memoryBytes : memoryLimitMib * mib,
      cpus: cpuLimit ?? limits.cpus,
      processes: processLimit ?? limits.processes,
    },
    enclosure: { ...enclosure, systemFiles, skillsPath: skillsPath ?? enclosure.skillsPath },
  };
}

/** @throws {SetupError} when the path leads to no folder. */
function checkSkills(path: string, setting: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new SetupError(`${setting}, ${path}, is not a folder`, 'Create it, or name another.');
}
