/** Reads what the source files of the packages import. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** The folder of the project. */
export const root = dirname(dirname(import.meta.dirname));

/** A source file of a package. */
export interface SourceFile {
  /** Path from the project's folder. */
  readonly path: string;
  /** Name of the package's folder. */
  readonly package: string;
  readonly lines: number;
  /** What it imports, types too, as it is written there. */
  readonly imports: readonly string[];
  /** The strings in it, but for those that an operation lists as its errors. */
  readonly strings: readonly string[];
}

/** All source files of all packages. */
export function sourceFiles(): SourceFile[] {
  return globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root }).sort().map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const imports: string[] = [];
  const strings: { start: number; value: string }[] = [];
  const errorLists: { start: number; end: number }[] = [];
  const add = (source: unknown) => {
    if (isStringLiteral(source)) imports.push(source.value);
  };
  new Visitor({
    ImportDeclaration: ({ source }) => add(source),
    ExportAllDeclaration: ({ source }) => add(source),
    ExportNamedDeclaration: ({ source }) => add(source),
    ImportExpression: ({ source }) => add(source),
    TSImportType: ({ source }) => add(source),
    CallExpression: ({ callee, arguments: args }) => {
      if (callee.type === 'Identifier' && callee.name === 'require') add(args[0]);
    },
    Property: ({ key, value }) => {
      if (key.type === 'Identifier' && key.name === 'errors') errorLists.push(value);
    },
    Literal: (node) => {
      if (isStringLiteral(node)) strings.push(node);
    },
  }).visit(program);
  const [, packageName = ''] = path.split('/');
  return {
    path,
    package: packageName,
    lines: text.trimEnd().split('\n').length,
    imports,
    strings: strings
      .filter(({ start }) => !errorLists.some((list) => list.start <= start && start < list.end))
      .map(({ value }) => value),
  };
}

function isStringLiteral(node: unknown): node is { start: number; value: string } {
  return typeof node === 'object' && node !== null && 'value' in node && typeof node.value === 'string';
}

/** The file that a relative import names, from the project's folder. */
export function resolveRelative(from: SourceFile, specifier: string): string {
  return relative(root, join(root, dirname(from.path), specifier));
}
