import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { ConfigError } from './error.ts';

/** The name of an owner: it goes into logs and lists. */
const ownerName = z.string().check(z.regex(/^[A-Za-z0-9_.@-]{1,64}$/));
const key = z.string().check(z.regex(/^[\x21-\x7e]{8,}$/));
const file = z.record(ownerName, z.union([key, z.array(key)]));

/** Keys of callers: for each owner those that count. Two at once let a key be changed without a gap. */
export type OwnerKeys = ReadonlyMap<string, readonly string[]>;

/**
 * Reads a file of keys: YAML, `owner: key` or `owner: [key, key]` a line. A key may stand as `sha256:` and the 64 hex
 * digits of its hash, so that the file is no secret.
 *
 * @throws ConfigError that tells what is wrong and shows no key.
 */
export function loadKeys(path: string): OwnerKeys {
  const parsed = file.safeParse(readYaml(path));
  if (!parsed.success) {
    const [owner] = parsed.error.issues[0]?.path ?? [];
    const where = owner === undefined ? path : `${path}: ${String(owner)}`;
    throw invalid(`${where} is no owner with keys of 8 or more printable characters`);
  }
  return new Map(Object.entries(parsed.data).map(([owner, keys]) => [owner, [keys].flat()]));
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // A parser quotes the line it stopped at, which may hold a key.
    const reason = error instanceof Error && 'syscall' in error ? error.message : 'not valid YAML';
    throw invalid(`the file of keys ${path} cannot be read: ${reason}`);
  }
}

function invalid(message: string): ConfigError {
  return new ConfigError([
    { message, hint: 'Write `owner: key` or `owner: [key, other key]` on each line.' },
  ]);
}
