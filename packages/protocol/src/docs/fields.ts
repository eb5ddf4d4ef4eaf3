/** From JSON Schema to the rows of a table that people read. */
import type { JsonSchema } from '../json-schema.ts';

/** One field of a request or response. */
export interface FieldReference {
  /** Its name with that of what it is in: `files[].name`, `sessions.{key}.status`. */
  readonly name: string;
  /** In words: `string or null`, `list of object`. */
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** Every field of an object, each followed by those inside of it. */
export function fieldsOf(schema: JsonSchema, prefix = ''): FieldReference[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const isRequired = required.has(name);
    const row = {
      name: path,
      // What may be absent may be null as well, everywhere: that needs no word.
      type: typeInWords(field, { withNull: isRequired }),
      required: isRequired,
      description: field.description ?? '',
    };
    return [row, ...inside(field, path)];
  });
}

function inside(field: JsonSchema, path: string): FieldReference[] {
  return variants(field).flatMap((variant) => {
    if (variant.properties) return fieldsOf(variant, `${path}.`);
    if (variant.items) return inside(variant.items, `${path}[]`);
    const { additionalProperties: values } = variant;
    return typeof values === 'object' ? inside(values, `${path}.{key}`) : [];
  });
}

/** The type of a schema, in words. */
export function typeInWords(schema: JsonSchema, { withNull = true } = {}): string {
  const all = variants(schema);
  const named = all.filter(({ type }) => type !== 'null').map(wordsFor);
  const isNullable = withNull && all.length > named.length;
  return [...new Set([...named, ...(isNullable ? ['null'] : [])])].join(' or ') || 'null';
}

/** The types that a schema allows, one each. */
function variants(schema: JsonSchema): JsonSchema[] {
  if (schema.anyOf) return schema.anyOf.flatMap(variants);
  return Array.isArray(schema.type) ? schema.type.map((type) => ({ ...schema, type })) : [schema];
}

function wordsFor(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(' | ');
  if (schema.format === 'binary') return 'file';
  if (schema.type === 'array') {
    const most = schema.maxItems === undefined ? '' : `, at most ${schema.maxItems}`;
    return `list of ${schema.items ? typeInWords(schema.items) : 'anything'}${most}`;
  }
  if (schema.type === 'object') {
    const { additionalProperties: values } = schema;
    return typeof values === 'object' ? `object of ${typeInWords(values)}` : 'object';
  }
  const bounds = boundsInWords(schema);
  return [typeof schema.type === 'string' ? schema.type : 'anything', ...bounds].join(', ');
}

function boundsInWords({ minimum, maximum, minLength, maxLength, pattern }: JsonSchema): string[] {
  const isReal = (bound: number | undefined) =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  return [
    ...(isReal(minimum) ? [`at least ${minimum}`] : []),
    ...(isReal(maximum) ? [`at most ${maximum}`] : []),
    ...(minLength === undefined ? [] : [`at least ${minLength} characters`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(pattern === undefined || pattern === withoutNul ? [] : [`matching ${pattern}`]),
  ];
}

/** No text field takes NUL bytes: said once for all, not at each. */
const withoutNul = '^[^\\0]*$';
