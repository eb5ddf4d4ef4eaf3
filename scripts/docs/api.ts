import { aio, control, document, provisioner } from '@paddock/protocol';
import {
  describeApi,
  type GroupReference,
  type OperationReference,
  type ResponseReference,
} from '@paddock/protocol/docs';
import { code, table } from './table.ts';

/** docs/api.md: every operation of every table. */
export function apiPage(): string {
  const groups = describeApi([aio, provisioner, document, control]);
  return [introduction, contents(groups), ...groups.map(section)].join('\n\n').concat('\n');
}

const introduction = `# The API

Every operation that Paddock serves. A running gateway shows the same at \`/docs\`, and as OpenAPI 3.1 at \`/openapi.json\`.

**Which sandbox.** A request under \`/v1\` goes to the sandbox that the header \`X-Sandbox-Id\` names, which is made on first
use; without the header to one that all such callers share, \`default\`. \`/s/{id}/v1/…\` reaches a sandbox that exists. Ids match
\`^[A-Za-z0-9_-]{1,64}$\`.

**Keys.** Where the gateway has a key, send it as \`X-API-Key\`, \`X-AIO-API-Key\`, \`Authorization: Bearer\`, or as the password of
Basic.

**Requests** are JSON, unless it says "form". Names in braces are taken from the path; the other fields of GET and DELETE from
the query. Unknown fields are ignored, and \`null\` is the same as absent. No text may hold NUL bytes.

**Answers.** Success is 200 with \`{"success": true, "message", "data", "hint"}\`, where \`hint\` is something the caller should
know; the tables below show \`data\`. "Plain" answers are a body of their own. A failure has the status of its error and
\`{"success": false, "message", "data", "code", "hint"}\`; a request that does not fit is 422 with
\`{"detail": [{"loc", "msg", "type"}]}\`. What each error means, and which ones every operation shares, stands in
[errors.md](errors.md).`;

function contents(groups: readonly GroupReference[]): string {
  const rows = groups.flatMap(({ operations }) =>
    operations.map((operation) => [
      `[${code(heading(operation))}](#${anchor(operation)})`,
      operation.summary,
    ]),
  );
  return table(['operation', ''], rows);
}

function section({ title, intro, operations, example }: GroupReference): string {
  const tried = example && `\`\`\`sh\n${example.curl({ origin: 'http://127.0.0.1:8080' })}\n\`\`\``;
  return [`## ${title}`, intro, ...(tried ? [tried] : []), ...operations.map(describe)].join('\n\n');
}

function describe(operation: OperationReference): string {
  const { id, summary, request, response, errors } = operation;
  return [
    `<a id="${anchor(operation)}"></a>`,
    `### ${code(heading(operation))}`,
    `${summary} In the client: ${code(id)}.`,
    ...requestTable(request),
    ...responseTable(response),
    ...(errors.length > 0
      ? [
          `Errors: ${errors.map(({ code: name, status }) => `[${code(name)}](errors.md#${name}) ${status}`).join(', ')}.`,
        ]
      : []),
  ].join('\n\n');
}

function requestTable(request: OperationReference['request']): string[] {
  if (request.length === 0) return [];
  const rows = request.map(({ name, type, place, required, description }) => [
    code(name),
    type,
    place,
    required ? 'yes' : '',
    description,
  ]);
  return [table(['request', 'type', 'in', 'required', ''], rows)];
}

function responseTable({ answer, streams, type, fields }: ResponseReference): string[] {
  const stream =
    'With `Accept: text/event-stream`: events `output` while it is printed, then one event `result`.';
  const rows = fields.map((field) => [
    code(field.name),
    field.type,
    field.required ? 'always' : '',
    field.description,
  ]);
  const bare = {
    envelope: 'Answers no data.',
    plain: `Answers plain: ${type}.`,
    bytes: 'Answers the content itself, no JSON.',
  }[answer];
  const head = answer === 'plain' ? 'plain answer' : 'answer';
  return [rows.length > 0 ? table([head, 'type', 'there', ''], rows) : bare, ...(streams ? [stream] : [])];
}

function heading({ method, path }: OperationReference): string {
  return `${method} ${path}`;
}

function anchor({ id }: OperationReference): string {
  return id.replace('.', '-');
}
