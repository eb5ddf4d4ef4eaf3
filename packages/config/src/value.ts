import type { SettingKind } from '@paddock/protocol/config';

/**
 * Turns text into the kind of value that a setting has. Text that does not fit stays as it is, for the schema to refuse;
 * so does what a file gave as a number, a boolean or a list.
 */
export function fromText(raw: unknown, kind: SettingKind): unknown {
  if (typeof raw !== 'string') return raw;
  switch (kind) {
    case 'number':
      return /^\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw;
    case 'boolean':
      return booleans.get(raw.trim().toLowerCase()) ?? raw;
    case 'list':
      return raw
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'choice':
      return raw.trim();
    case 'map':
      return fromJson(raw);
    case 'text':
    case 'path':
      return raw;
  }
}

function fromJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

const booleans = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['on', true],
  ['false', false],
  ['0', false],
  ['no', false],
  ['off', false],
]);
