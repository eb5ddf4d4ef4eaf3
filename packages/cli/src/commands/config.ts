import { describeSource, loadConfig } from '@paddock/config';
import { type Setting, settingKeys, settings } from '@paddock/protocol/config';
import { flagsOf } from '../gateway/flags.ts';
import { print } from '../output.ts';
import type { GlobalOptions } from '../reach.ts';

/**
 * Prints every setting that `paddock serve` would start with here, and where it comes from. A secret is never printed.
 *
 * @throws ConfigError naming everything that is wrong.
 */
export async function config(options: GlobalOptions & Readonly<Record<string, unknown>>): Promise<void> {
  const {
    config: values,
    sources,
    warnings,
  } = loadConfig({
    argv: flagsOf(options),
    // As `serve` hands it on.
    env: { ...process.env, ...(options.apiKey && { SANDBOX_API_KEY: options.apiKey }) },
  });
  const rows = settingKeys.map((key) => {
    const row: Setting = settings[key];
    const isSecret = row.secret === true && values[key] !== undefined;
    return { key, value: isSecret ? '(set)' : (values[key] ?? null), source: sources[key] };
  });
  if (options.json) {
    const told = rows.map(({ key, value, source }) => [key, { value, ...source }]);
    await print(`${JSON.stringify(Object.fromEntries(told), null, 2)}\n`);
  } else {
    const shown = rows.map(({ key, value, source }) => [key, show(value), describeSource(source)]);
    await print(table(['SETTING', 'VALUE', 'FROM'], shown));
  }
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
}

function show(value: unknown): string {
  if (value === null || (Array.isArray(value) && value.length === 0)) return '-';
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
