import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cases, placeholders } from './cases.ts';
import { readGuide, sectionsOf } from './guide.ts';
import { differences, type Objects, rowsOf } from './listing.ts';

const sections = readGuide();
const withCommands = sections.filter(({ commands }) => commands.length > 0);

describe('the reading of a guide', () => {
  it('finds sections, their commands and what they show', () => {
    const fence = '```';
    const text = `# T\n\n## A\n\n1. b\n   ${fence}bash\n   # c\n   d \\\n     e\n\n   f\n   ${fence}\n\n### G\n\nSay \`h\`:\n\n${fence}\ni\n${fence}\n\n## J\n`;
    expect(sectionsOf(text)).toEqual([
      { path: 'T', commands: [], inline: [], shown: [] },
      { path: 'A', commands: ['d \\\n  e', 'f'], inline: [], shown: [] },
      { path: 'A / G', commands: [], inline: ['h'], shown: [{ language: '', text: 'i' }] },
      { path: 'J', commands: [], inline: [], shown: [] },
    ]);
  });
});

describe('the guide', () => {
  it('has no commands but those that a test runs or that are said not to be run', () => {
    expect(withCommands.map(({ path }) => path)).toEqual(Object.keys(cases));
  });

  it('is run by test files that are there', () => {
    const parts = Object.values(cases).filter((part) => typeof part === 'string');
    for (const part of new Set(parts)) {
      expect(existsSync(join(import.meta.dirname, `${part}.cluster.ts`)), part).toBe(true);
    }
  });

  it.each(placeholders)('has a command with %s', (placeholder) => {
    const run = sections.filter(({ path }) => typeof (cases[path] ?? '') === 'string');
    const commands = run.flatMap((section) => [...section.commands, ...section.inline]);
    expect(commands.filter((command) => command.includes(placeholder))).not.toEqual([]);
  });
});

describe('the comparison of installations', () => {
  it('names each place where they differ, and what is there', () => {
    const left: Objects = new Map([
      ['Pod a', { spec: { images: ['x', 'y'], same: 1 } }],
      ['Pod b', { spec: { images: [], same: 2 } }],
    ]);
    const right: Objects = new Map([['Pod a', { spec: { images: ['x', 'z', 'w'], same: 1 } }]]);
    expect(differences(left, right)).toEqual([
      'Pod a.spec.images.1: "y" / "z"',
      'Pod a.spec.images.2: nothing / "w"',
      'Pod b: {"spec":{"images":[],"same":2}} / nothing',
    ]);
    expect(differences(left, left)).toEqual([]);
  });
});

describe('a table of kubectl', () => {
  it('is read by its columns, which may have spaces and hold nothing', () => {
    const table = 'NAME   LAST SEEN   AGE\na      2s          1m\nbb                 3m (x2)\n';
    expect(rowsOf(table)).toEqual([
      { NAME: 'a', 'LAST SEEN': '2s', AGE: '1m' },
      { NAME: 'bb', 'LAST SEEN': '', AGE: '3m (x2)' },
    ]);
  });
});
