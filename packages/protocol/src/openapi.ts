/** Renders operation tables as an OpenAPI 3.1 document. */
import { errorsOfAll } from './docs/faults.ts';
import { enveloped, failureBody, invalidBody } from './envelope.ts';
import { type ErrorCode, errorCatalogue } from './errors.ts';
import { binary, type JsonSchema, jsonSchema } from './json-schema.ts';
import { fieldsTravelIn, type Operation, type OperationTable, pathParameters } from './operation.ts';

type Json = { [key: string]: unknown };

/** An OpenAPI 3.1 document of the given tables. */
export function renderOpenApi(
  info: { title: string; version: string },
  tables: readonly OperationTable[],
): Json {
  const paths: Record<string, Json> = {};
  for (const table of tables) {
    for (const [group, operations] of Object.entries(table)) {
      for (const [name, row] of Object.entries(operations)) {
        const methods = { [row.method.toLowerCase()]: renderOperation(group, name, row) };
        paths[row.path] = { ...paths[row.path], ...methods };
      }
    }
  }
  return {
    openapi: '3.1.0',
    info,
    paths,
    components: {
      schemas: { Failure: jsonSchema(failureBody()), HTTPValidationError: jsonSchema(invalidBody()) },
    },
  };
}

function renderOperation(group: string, name: string, row: Operation): Json {
  const inPath = new Set(pathParameters(row.path));
  const request = jsonSchema(row.request);
  const properties = Object.entries(request.properties ?? {});
  const required = new Set(request.required);
  const others = properties.filter(([field]) => !inPath.has(field));
  const inBody = fieldsTravelIn(row.method) === 'body';
  const parameters = properties
    .filter(([field]) => inPath.has(field) || !inBody)
    .map(([field, fieldSchema]) => ({
      name: field,
      in: inPath.has(field) ? 'path' : 'query',
      required: inPath.has(field) || required.has(field),
      schema: fieldSchema,
    }));
  const bodyRequired = others.map(([field]) => field).filter((field) => required.has(field));
  return {
    operationId: `${group}.${name}`,
    tags: [group],
    summary: row.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(inBody &&
      others.length > 0 && {
        requestBody: {
          required: bodyRequired.length > 0,
          content: content(row.body === 'form' ? 'multipart/form-data' : 'application/json', {
            type: 'object',
            properties: Object.fromEntries(others),
            required: bodyRequired,
          }),
        },
      }),
    responses: renderResponses(row),
  };
}

function renderResponses(row: Operation): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...row.errors, ...errorsOfAll])) {
    const { status } = errorCatalogue[code];
    if (status === 422) continue; // It has a body of its own.
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const failures = [...byStatus].map(([status, codes]) => [
    String(status),
    {
      description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].what}`).join(' '),
      content: json({ $ref: '#/components/schemas/Failure' }),
    },
  ]);
  return {
    '200': {
      description: 'Done.',
      content: {
        ...renderSuccess(row),
        ...(row.stream && { 'text/event-stream': { schema: { type: 'string' } } }),
      },
    },
    '422': {
      description: errorCatalogue.invalid_request.what,
      content: json({ $ref: '#/components/schemas/HTTPValidationError' }),
    },
    ...Object.fromEntries(failures),
  };
}

function renderSuccess(row: Operation): Json {
  if (row.answer === 'bytes') return content('application/octet-stream', binary);
  return json(jsonSchema(row.answer === 'envelope' ? enveloped(row.response) : row.response));
}

function json(bodySchema: Json | JsonSchema): Json {
  return content('application/json', bodySchema);
}

function content(mediaType: string, bodySchema: Json | JsonSchema): Json {
  return { [mediaType]: { schema: bodySchema } };
}
