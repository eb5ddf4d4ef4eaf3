import { flagOf, type Setting, settingKeys, settings } from '@paddock/protocol/config';
import { Option } from 'commander';

/** The options of commands that take settings of the gateway: those that have a flag. */
export function settingOptions(): Option[] {
  return settingKeys.flatMap((key) => {
    const flag = flagOf(key);
    if (!flag) return [];
    const row: Setting = settings[key];
    const value = row.kind === 'boolean' ? '[true|false]' : '<value>';
    const fallback = row.defaultText ?? (typeof row.default === 'function' ? undefined : row.default);
    const shown =
      fallback === undefined || String(fallback) === '' ? '' : `; ${String(fallback)} when absent`;
    return [new Option(`${flag} ${value}`, `${row.summary} (${row.env}${shown})`)];
  });
}

/** The flags of a command line that the gateway, or the loader of its settings, is to have. */
export function flagsOf(options: Readonly<Record<string, unknown>>): string[] {
  const given = [['--config', options.config], ...settingKeys.map((key) => [flagOf(key), options[key]])];
  return given.flatMap(([flag, value]) => (flag && value !== undefined ? [`${flag}=${value}`] : []));
}
