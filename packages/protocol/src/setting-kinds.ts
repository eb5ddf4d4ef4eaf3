/** What a setting is, and the kinds of values that settings have. */
import * as z from 'zod/mini';

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How a setting is written where only text can be: in the environment and in flags. */
export type SettingKind = 'text' | 'path' | 'number' | 'boolean' | 'list' | 'choice' | 'map';

/** The value that a row describes. */
interface SettingValue<Schema extends z.ZodMiniType> {
  readonly kind: SettingKind;
  readonly schema: Schema;
  /** What the schema accepts, in words that complete "expected …". */
  readonly expected: string;
}

/** A row of the table. Its key is the name in paddock.yaml; its flag is that name in kebab-case. */
export interface Setting<Schema extends z.ZodMiniType = z.ZodMiniType> extends SettingValue<Schema> {
  readonly env: string;
  readonly summary: string;
  readonly default?: z.output<Schema> | ((env: Environment) => z.output<Schema>);
  /** The default in words, where it depends on the machine. */
  readonly defaultText?: string;
  /** Never printed, and without a flag: every user of a machine can read the arguments of a process. */
  readonly secret?: true;
}

export function text(pattern: RegExp, expected: string) {
  return { kind: 'text', schema: z.string().check(z.regex(pattern)), expected } as const;
}

export function path() {
  return { kind: 'path', schema: z.string().check(z.regex(/^[^\0]+$/)), expected: 'a path' } as const;
}

export function integer(from: number, to: number) {
  const schema = z.int().check(z.gte(from), z.lte(to));
  return { kind: 'number', schema, expected: `a whole number from ${from} to ${to}` } as const;
}

export function seconds(from: number, to: number) {
  const schema = z.number().check(z.gte(from), z.lte(to));
  return { kind: 'number', schema, expected: `a number of seconds from ${from} to ${to}` } as const;
}

export function amount(from: number, to: number) {
  const schema = z.number().check(z.gte(from), z.lte(to));
  return { kind: 'number', schema, expected: `a number from ${from} to ${to}` } as const;
}

export function flag() {
  return { kind: 'boolean', schema: z.boolean(), expected: 'true or false' } as const;
}

export function list(pattern: RegExp, expected: string) {
  const schema = z.array(z.string().check(z.regex(pattern)));
  return { kind: 'list', schema, expected: `a list of ${expected}, with commas where it is text` } as const;
}

export function choice<const Choices extends readonly [string, ...string[]]>(choices: Choices) {
  const expected = choices.length > 1 ? `one of ${choices.join(', ')}` : choices[0];
  return { kind: 'choice', schema: z.enum(choices), expected } as const;
}
