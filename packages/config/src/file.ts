import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isSettingKey, settingKeys } from '@paddock/protocol/config';
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { ConfigProblem } from './error.ts';
import { nearest } from './nearest.ts';
import type { Found } from './source.ts';

/**
 * Reads the settings of the configuration file: the one that is named, else ./paddock.yaml if it exists. Relative paths in
 * it start from its folder, so that the gateway may be started from anywhere.
 */
export function readFile(named: string | undefined, cwd: string, problems: ConfigProblem[]): Found[] {
  const path = resolve(cwd, named ?? 'paddock.yaml');
  if (named === undefined && !existsSync(path)) return [];
  const text = readText(path, problems);
  return text === undefined ? [] : parse(text, path, problems);
}

function readText(path: string, problems: ConfigProblem[]): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.push({
      message: `the configuration file cannot be read: ${reason}`,
      hint: 'Check the path in --config or PADDOCK_CONFIG.',
    });
    return undefined;
  }
}

function parse(text: string, path: string, problems: ConfigProblem[]): Found[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors) {
    problems.push({
      message: `${path}:${lines.linePos(error.pos[0]).line} is not valid YAML: ${error.message}`,
      hint: 'Correct the file.',
    });
  }
  if (document.errors.length > 0 || document.contents === null) return [];
  if (!isMap(document.contents)) {
    problems.push({
      message: `${path} does not hold settings by name`,
      hint: 'Write one setting a line, such as `port: 8080`.',
    });
    return [];
  }
  return document.contents.items.flatMap(({ key: node, value }): Found[] => {
    const key = isScalar(node) ? String(node.value) : String(node);
    const line = isScalar(node) && node.range ? lines.linePos(node.range[0]).line : 1;
    if (!isSettingKey(key)) {
      problems.push(unknownKey(key, `${path}:${line}`));
      return [];
    }
    const raw: unknown = isNode(value) ? value.toJS(document) : null;
    // `apiKey:` with nothing behind it is how people write "not set".
    return raw === null ? [] : [{ key, raw, source: { from: 'file', path, line }, base: dirname(path) }];
  });
}

function unknownKey(key: string, place: string): ConfigProblem {
  const meant = nearest(key, settingKeys);
  return {
    message: `${place} has a setting "${key}" that is not known`,
    hint: meant ? `Did you mean ${meant}?` : `The settings are ${settingKeys.join(', ')}.`,
  };
}
