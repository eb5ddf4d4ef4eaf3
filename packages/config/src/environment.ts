import { type Environment, otherVariables, settingKeys, settings } from '@paddock/protocol/config';
import { nearest } from './nearest.ts';
import type { Found } from './source.ts';

/** Reads the settings of the environment. An empty variable counts as absent, as in shells and container manifests. */
export function readEnvironment(
  env: Environment,
  cwd: string,
): { found: Found[]; configPath: string | undefined; warnings: string[] } {
  const found = settingKeys.flatMap((key): Found[] => {
    const variable = settings[key].env;
    const raw = env[variable];
    return raw ? [{ key, raw, source: { from: 'environment', variable }, base: cwd }] : [];
  });
  return { found, configPath: env.PADDOCK_CONFIG || undefined, warnings: unknownVariables(env) };
}

function unknownVariables(env: Environment): string[] {
  const known = [...settingKeys.map((key) => settings[key].env), ...Object.keys(otherVariables)];
  return Object.keys(env)
    .filter((name) => name.startsWith('PADDOCK_') && !known.includes(name))
    .map((name) => {
      const meant = nearest(name, known);
      return `The variable ${name} is not known and has no effect.${meant ? ` Did you mean ${meant}?` : ''}`;
    });
}
