import { parseArgs } from 'node:util';
import { flagOf, type SettingKey, settingKeys, settings } from '@paddock/protocol/config';
import type { ConfigProblem } from './error.ts';
import { nearest } from './nearest.ts';
import type { Found } from './source.ts';

/** Reads the settings of the command line: `--port 8080`, `--port=8080`, and for what is true or false also `--name` alone. */
export function readFlags(
  argv: readonly string[],
  cwd: string,
  problems: ConfigProblem[],
): { found: Found[]; configPath: string | undefined } {
  const keys = new Map(settingKeys.map((key) => [flagOf(key)?.slice(2), key]));
  const options = Object.fromEntries([
    ['config', { type: 'string' as const }],
    ...Array.from(keys, parsedAs),
  ]);
  const found: Found[] = [];
  let configPath: string | undefined;
  for (const token of parseArgs({ args: [...argv], options, strict: false, tokens: true }).tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      problems.push({
        message: `unexpected argument "${token.value}"`,
        hint: 'Settings are given as --name value.',
      });
      continue;
    }
    const key = keys.get(token.name);
    const raw = token.value ?? (key && settings[key].kind === 'boolean' ? 'true' : undefined);
    if (!key && token.name !== 'config')
      problems.push(unknownFlag(token.rawName, [...keys.keys(), 'config']));
    else if (raw === undefined) problems.push({ message: `${token.rawName} needs a value`, hint: 'Add it.' });
    else if (key) found.push({ key, raw, source: { from: 'flag', flag: token.rawName }, base: cwd });
    else configPath = raw;
  }
  return { found, configPath };
}

function parsedAs([name, key]: [string | undefined, SettingKey]): [string, { type: 'string' | 'boolean' }] {
  return [name ?? '', { type: settings[key].kind === 'boolean' ? 'boolean' : 'string' }];
}

function unknownFlag(flag: string, names: readonly (string | undefined)[]): ConfigProblem {
  const flags = names.flatMap((name) => (name ? [`--${name}`] : []));
  const meant = nearest(flag, flags);
  return {
    message: `unknown flag ${flag}`,
    hint: meant ? `Did you mean ${meant}?` : `The flags are ${flags.join(', ')}.`,
  };
}
