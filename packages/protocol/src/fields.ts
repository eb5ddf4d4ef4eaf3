/** Schemas that many operations share. */
import * as z from 'zod/mini';

/** A field with the sentence that documents it in OpenAPI and docs/api.md. */
export function field<Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema {
  z.globalRegistry.add(schema, { description });
  return schema;
}

/** A field that may be absent; clients in Python send `null` for the same. */
export function maybe<Schema extends z.ZodMiniType>(schema: Schema, description: string) {
  return field(z.nullish(schema), description);
}

/** Text without NUL bytes, which no path, command or variable can carry. */
export const text = () => z.string().check(z.regex(/^[^\0]*$/, 'must not contain NUL bytes'));

/** A duration in seconds, fractions allowed. */
export const seconds = () => z.number().check(z.gte(0));

/** A count or offset. */
export const count = () => z.int().check(z.gte(0));

/** The id of a sandbox, as callers choose it. */
export const sandboxId = () =>
  z.string().check(z.regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match ^[A-Za-z0-9_-]{1,64}$'));

/** The name of a template. */
export const templateName = () =>
  z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, 'must be a name of letters, digits, _ . -'));

/** Nothing to send, or nothing to tell. */
export const nothing = () => z.object({});
