import { homedir } from 'node:os';
import { resolve } from 'node:path';
import {
  type Config,
  type Environment,
  type Setting,
  type SettingKey,
  settingKeys,
  settings,
} from '@paddock/protocol/config';
import { readEnvironment } from './environment.ts';
import { ConfigError, type ConfigProblem } from './error.ts';
import { readFile } from './file.ts';
import { readFlags } from './flags.ts';
import { checkReach } from './reach.ts';
import { describeSource, type Found, type Source } from './source.ts';
import { templateProblem, withAbsolutePaths } from './templates.ts';
import { fromText } from './value.ts';

/** Where to read settings from: the process's own arguments, environment and folder when absent. */
export interface LoadOptions {
  /** Arguments such as `['--port', '8080']`. */
  readonly argv?: readonly string[];
  readonly env?: Environment;
  /** The folder that relative paths of flags and environment start from. */
  readonly cwd?: string;
}

/** A configuration, and how it came about. */
export interface Loaded {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingKey, Source>>;
  /** What the operator should look at although it stops nothing, a sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Loads the settings: a flag wins over the environment, that over the file, that over the default.
 *
 * @throws ConfigError naming everything that is wrong, each with its source and what was expected.
 */
export function loadConfig(options: LoadOptions = {}): Loaded {
  const { argv = process.argv.slice(2), env = process.env, cwd = process.cwd() } = options;
  const problems: ConfigProblem[] = [];
  const flags = readFlags(argv, cwd, problems);
  const environment = readEnvironment(env, cwd);
  const file = readFile(flags.configPath ?? environment.configPath, cwd, problems);

  const sources: Record<string, Source> = {};
  const values: Record<string, unknown> = {};
  // What wins comes last, and what loses is checked all the same: a typo does not wait for the flag to be dropped.
  for (const found of [...defaults(env, cwd), ...file, ...environment.found, ...flags.found]) {
    const value = check(found, env, problems);
    if (value === undefined) continue;
    values[found.key] = value;
    sources[found.key] = found.source;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const config = values as Config;
  checkReach(config);
  return { config, sources: withAbsent(sources), warnings: environment.warnings };
}

function defaults(env: Environment, cwd: string): Found[] {
  return settingKeys.flatMap((key) => {
    const row: Setting = settings[key];
    const raw: unknown = typeof row.default === 'function' ? row.default(env) : row.default;
    return raw === undefined ? [] : [{ key, raw, source: { from: 'default' }, base: cwd }];
  });
}

function check(found: Found, env: Environment, problems: ConfigProblem[]): unknown {
  const row: Setting = settings[found.key];
  const parsed = row.schema.safeParse(fromText(found.raw, row.kind));
  if (parsed.success) {
    if (row.kind === 'path') return absolute(String(parsed.data), found.base, env);
    return found.key === 'templates'
      ? withAbsolutePaths(parsed.data, (path) => absolute(path, found.base, env))
      : parsed.data;
  }
  if (found.key === 'templates') {
    problems.push(templateProblem(parsed.error.issues, `templates from ${describeSource(found.source)}`));
    return undefined;
  }
  const shown = row.secret ? 'unusable' : (JSON.stringify(found.raw) ?? String(found.raw));
  problems.push({
    message: `${found.key} from ${describeSource(found.source)} is ${shown}, expected ${row.expected}`,
    hint: `Correct ${found.key} in ${describeSource(found.source)}.`,
  });
  return undefined;
}

function absolute(path: string, base: string, env: Environment): string {
  if (path !== '~' && !path.startsWith('~/')) return resolve(base, path);
  return resolve(env.HOME || homedir(), path.slice(2));
}

function withAbsent(sources: Readonly<Record<string, Source>>): Record<SettingKey, Source> {
  const absent: Source = { from: 'default' };
  return Object.fromEntries(settingKeys.map((key) => [key, sources[key] ?? absent])) as Record<
    SettingKey,
    Source
  >;
}
