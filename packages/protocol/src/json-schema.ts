import * as z from 'zod/mini';

/** A schema as JSON Schema, as far as our own schemas need it. */
export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  description?: string;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
}

/** The JSON Schema of content that is no JSON, such as a file. */
export const binary: JsonSchema = { type: 'string', format: 'binary' };

/** Renders a schema: what a sender may send. */
export function jsonSchema(type: z.ZodMiniType): JsonSchema {
  const { $schema: _, ...rendered } = z.toJSONSchema(type, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema: target }) {
      // The one schema of no JSON type is the content of a file.
      if (zodSchema._zod.def.type === 'custom') Object.assign(target, binary);
    },
  });
  return rendered as JsonSchema;
}
