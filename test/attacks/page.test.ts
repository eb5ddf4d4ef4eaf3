/** docs/security.md lists every attack that is tried here, and none that is not. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { describe, expect, it } from 'vitest';
import { root } from '../support/source.ts';

interface Attack {
  readonly group: string;
  readonly attack: string;
}

describe('docs/security.md', () => {
  it('has a row for every attack that is tried, and no other', () => {
    expect(
      documented()
        .map(({ group, attack }) => `${group}: ${attack}`)
        .sort(),
    ).toEqual(
      tried()
        .map(({ group, attack }) => `${group}: ${attack}`)
        .sort(),
    );
  });

  it('says of each what stops it', () => {
    expect(documented().filter(({ stops }) => stops.length < 20)).toEqual([]);
  });
});

/** The rows of the tables, each below a heading that is the group's name. */
function documented(): (Attack & { stops: string })[] {
  const page = readFileSync(join(root, 'docs/security.md'), 'utf8');
  const sections = page.split(/^### /m).slice(1);
  return sections.flatMap((section) => {
    const group = section.split('\n', 1)[0] ?? '';
    const rows = section.split(/^## /m, 1)[0]?.matchAll(/^\| (?!attack |---)(.*?) \| (.*) \|$/gm) ?? [];
    return Array.from(rows, ([, attack = '', stops = '']) => ({ group, attack, stops }));
  });
}

/** The tests of this folder but for these, by what they are called. */
function tried(): Attack[] {
  return globSync('test/attacks/*.{test,long}.ts', { cwd: root })
    .filter((path) => !path.endsWith('/page.test.ts'))
    .flatMap((path) => attacksIn(path, readFileSync(join(root, path), 'utf8')));
}

function attacksIn(path: string, text: string): Attack[] {
  const groups: { start: number; end: number; name: string }[] = [];
  const found: { start: number; name: string }[] = [];
  new Visitor({
    CallExpression: ({ callee, arguments: [title], start, end }) => {
      const called = text.slice(callee.start, callee.end);
      if (!/^(describe|it)\b/.test(called) || /^(describe|it)\.skipIf$/.test(called)) return;
      if (title?.type !== 'Literal' || typeof title.value !== 'string')
        throw new Error(
          `${path}: an attack is named by a plain string, since a row of the page is found by it`,
        );
      if (called.startsWith('describe')) groups.push({ start, end, name: title.value });
      else found.push({ start, name: title.value });
    },
  }).visit(parseSync(path, text).program);
  return found.map(({ start, name }) => ({
    group: groups.find((group) => group.start < start && start < group.end)?.name ?? '',
    attack: name,
  }));
}
