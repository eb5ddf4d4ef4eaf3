/** What a function holds by `using` is gone when it returns: work that it hands back unawaited would go on without it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { root, sourceFiles } from './support/source.ts';

type Node = Readonly<Record<string, unknown>>;

/** Functions that are done when they return. */
const synchronous = new Set(['exitCodeOf', 'fail', 'ok']);

describe('a function that holds a resource', () => {
  it('awaits the work that it returns', () => {
    const faults = sourceFiles().flatMap(({ path }) => {
      const text = readFileSync(join(root, path), 'utf8');
      return unawaited(parseSync(path, text).program, text).map((line) => `${path}:${line}`);
    });
    expect(faults).toEqual([]);
  });

  it('is found where it does not', () => {
    const text = 'async function take() {\n  await using file = open();\n  return place(file);\n}';
    expect(unawaited(parseSync('a.ts', text).program, text)).toEqual([3]);
    const awaited = text.replace('return', 'return await');
    expect(unawaited(parseSync('a.ts', awaited).program, awaited)).toEqual([]);
  });
});

/** Lines on which an async function with `await using` returns a call. */
function unawaited(program: unknown, text: string): number[] {
  const lines: number[] = [];
  visit(program, undefined);
  return lines;

  function visit(node: unknown, inside: { holds: boolean; returns: number[] } | undefined): void {
    if (Array.isArray(node)) for (const one of node) visit(one, inside);
    if (!isNode(node)) return;
    const { type, kind, argument, start } = node;
    if (String(type).includes('Function')) {
      const own = { holds: false, returns: [] };
      for (const value of Object.values(node)) visit(value, own);
      if (node.async === true && own.holds) lines.push(...own.returns);
      return;
    }
    if (inside && type === 'VariableDeclaration' && kind === 'await using') inside.holds = true;
    const callee = isNode(argument) && argument.type === 'CallExpression' ? argument.callee : undefined;
    if (inside && type === 'ReturnStatement' && isNode(callee) && !synchronous.has(String(callee.name)))
      inside.returns.push(text.slice(0, Number(start)).split('\n').length);
    for (const value of Object.values(node)) visit(value, inside);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
