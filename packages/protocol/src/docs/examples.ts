/** A request to show for each operation. */
import type { Aio } from '../aio/index.ts';
import { binary, type JsonSchema, jsonSchema } from '../json-schema.ts';
import type { Operation, OperationTable, RequestOf } from '../operation.ts';
import type { provisioner } from '../provisioner.ts';

type ExamplesOf<Table extends OperationTable> = {
  readonly [Group in keyof Table]?: { readonly [Name in keyof Table[Group]]?: RequestOf<Table[Group][Name]> };
};

const workspace = '/mnt/user-data/workspace';
const note = `${workspace}/note.txt`;

/** Where the fields that an operation requires do not make a good example by themselves. */
const examples: ExamplesOf<Aio & typeof provisioner> = {
  shell: {
    exec: { id: 'main', command: 'cd /tmp && pwd' },
    createSession: { id: 'main', exec_dir: workspace },
    updateSession: { id: 'main', no_change_timeout: 600 },
  },
  bash: { exec: { command: 'echo "$GREETING, $(whoami)"', env: { GREETING: 'hello' }, hard_timeout: 60 } },
  file: {
    read: { file: note, start_line: 0, end_line: 10 },
    write: { file: note, content: 'first line\n' },
    list: { path: workspace, recursive: true },
    replace: { file: note, old_str: 'first', new_str: 'second' },
    grep: { path: workspace, pattern: 'first', include: ['*.txt'] },
    edit: { command: 'view', path: note },
    download: { path: note },
  },
  sandboxes: { create: { sandbox_id: 'chat-1' } },
};

/** The fields of an example request for an operation. Those that are files are left to whoever shows it. */
export function exampleOf(group: string, name: string, row: Operation): Readonly<Record<string, unknown>> {
  const groups: Readonly<Record<string, Readonly<Record<string, object | undefined>>>> = examples;
  return { ...(groups[group]?.[name] ?? sampleObject(jsonSchema(row.request))) };
}

function sampleObject(schema: JsonSchema): Record<string, unknown> {
  return Object.fromEntries(
    (schema.required ?? []).flatMap((name) => {
      const field = schema.properties?.[name] ?? {};
      return field.format === binary.format ? [] : [[name, sample(name, field)]];
    }),
  );
}

function sample(name: string, schema: JsonSchema): unknown {
  if (schema.anyOf?.[0]) return sample(name, schema.anyOf[0]);
  if (schema.enum) return schema.enum[0];
  if (schema.properties) return sampleObject(schema);
  switch (schema.type) {
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return texts[name] ?? 'example';
  }
}

/** What fields of these names hold, whatever the operation. */
const texts: Readonly<Record<string, string>> = {
  id: 'main',
  session_id: 'main',
  sandbox_id: 'chat-1',
  file: note,
  path: workspace,
  command: 'echo hello',
  input: 'yes\n',
  pattern: '**/*.txt',
  glob: '*.txt',
  regex: 'first',
};
