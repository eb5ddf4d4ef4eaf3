/** The bare shape of an OpenAPI document: what travels in which operation, without the words around it. */

/** A schema reduced to what a client can trip over. `{}` is anything. */
export interface Shape {
  readonly type?: string;
  /** The possible shapes, where there is more than one. */
  readonly oneOf?: readonly Shape[];
  readonly enum?: readonly unknown[];
  readonly fields?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  /** Of an object: the shape of values under any name. */
  readonly values?: Shape;
}

/** What an operation takes and gives. */
export interface OperationShape {
  readonly path?: Shape;
  readonly query?: Shape;
  readonly body?: Shape;
  /** The JSON of its success. */
  readonly answer?: Shape;
}

/** An API: every operation by method and path. */
export type ApiShape = Readonly<Record<string, OperationShape>>;

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

interface PublishedOperation {
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: Schema }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly content?: Content }>>;
}

/** An OpenAPI 3.1 document, as far as its shape depends on it. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, PublishedOperation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** The shape of a document. References are resolved; one that leads back into itself is anything. */
export function shapeOf({ paths, components }: OpenApiDocument): ApiShape {
  const reduce = reducer(components?.schemas ?? {});
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [
        `${method.toUpperCase()} ${path}`,
        operationShape(operation, reduce),
      ]),
    ),
  );
}

type Reduce = (schema: Schema) => Shape;

function operationShape(
  { parameters = [], requestBody, responses }: PublishedOperation,
  reduce: Reduce,
): OperationShape {
  const place = (name: string): Shape | undefined => {
    const here = parameters.filter((parameter) => parameter.in === name);
    if (here.length === 0) return undefined;
    return {
      type: 'object',
      fields: Object.fromEntries(here.map((parameter) => [parameter.name, reduce(parameter.schema ?? {})])),
      required: here.filter(({ required }) => required).map((parameter) => parameter.name),
    };
  };
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const answer = responses?.['200']?.content?.['application/json']?.schema;
  return withoutAbsent({
    path: place('path'),
    query: place('query'),
    body: body && reduce(body),
    answer: answer && reduce(answer),
  });
}

function reducer(named: Readonly<Record<string, Schema>>): Reduce {
  const reduce = (schema: Schema, within: readonly string[]): Shape => {
    if (schema.$ref !== undefined) {
      const name = schema.$ref.replace(/^.*\//, '');
      const target = named[name];
      return !target || within.includes(name) ? {} : reduce(target, [...within, name]);
    }
    const alternatives =
      schema.anyOf ?? schema.oneOf ?? (schema.allOf?.length === 1 ? schema.allOf : undefined);
    if (alternatives) return union(alternatives.map((alternative) => reduce(alternative, within)));
    if (typeof schema.type === 'object') {
      return union(schema.type.map((type) => reduce({ ...schema, type }, within)));
    }
    const { additionalProperties: values } = schema;
    return withoutAbsent({
      type: schema.type ?? (schema.const === undefined ? undefined : typeof schema.const),
      enum: schema.enum ?? (schema.const === undefined ? undefined : [schema.const]),
      fields: schema.properties && mapValues(schema.properties, (field) => reduce(field, within)),
      required: schema.required?.length ? schema.required : undefined,
      items: schema.items && reduce(schema.items, within),
      values: typeof values === 'object' ? reduce(values, within) : undefined,
    });
  };
  return (schema) => reduce(schema, []);
}

function union(shapes: readonly Shape[]): Shape {
  const flat = shapes.flatMap((shape) => shape.oneOf ?? [shape]);
  return flat.length === 1 && flat[0] ? flat[0] : { oneOf: flat };
}

function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/** The object without the fields that are undefined. */
function withoutAbsent<T extends object>(object: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
