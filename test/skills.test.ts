import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from './support/source.ts';

const script = join(root, 'skills/public/csv-profile/scripts/csv_profile.py');
const folder = mkdtempSync(join(tmpdir(), 'skills-'));

afterAll(() => rmSync(folder, { recursive: true }));

describe('every skill', () => {
  it.each(globSync('skills/{public,custom}/*/SKILL.md', { cwd: root }))(
    '%s names and describes itself',
    (path) => {
      const front = /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(join(root, path), 'utf8'))?.[1];
      expect(parse(front ?? '')).toEqual({
        name: basename(dirname(path)),
        description: expect.stringMatching(/.{20,}/),
      });
    },
  );
});

describe('csv-profile', () => {
  it('tells rows, types, missing values, ranges, means and frequent values', async () => {
    const profile = await profileOf(
      'city,people,share,day,open\nUlm,120,0.5,2024-01-31,yes\nBonn,NA,1.5,2023-12-01,no\nUlm,80,,2024-02-01,yes\n',
    );
    expect(profile).toMatchObject({ rows: 3, delimiter: ',', uneven_rows: 0 });
    expect(profile.columns).toMatchObject([
      {
        name: 'city',
        type: 'text',
        missing: 0,
        distinct: 2,
        min: 'Bonn',
        max: 'Ulm',
        top: [{ value: 'Ulm', count: 2 }, {}],
      },
      { name: 'people', type: 'integer', missing: 1, min: 80, max: 120, mean: 100 },
      { name: 'share', type: 'number', missing: 1, min: 0.5, max: 1.5, mean: 1 },
      { name: 'day', type: 'date', min: '2023-12-01', max: '2024-02-01' },
      { name: 'open', type: 'boolean', top: [{ value: 'yes', count: 2 }, {}] },
    ]);
  });

  it.each([
    { what: 'semicolons', text: 'a;b\n1,5;2\n2,5;3\n', delimiter: ';', names: ['a', 'b'] },
    { what: 'tabs', text: 'a\tb\n1\t2\n', delimiter: '\t', names: ['a', 'b'] },
    { what: 'one column', text: 'a\n1\n2\n', delimiter: ',', names: ['a'] },
    { what: 'a byte order mark', text: '\ufeffa,b\n1,2\n', delimiter: ',', names: ['a', 'b'] },
    {
      what: 'quoted delimiters and line ends',
      text: '"a,1","b\nb"\n"x\ny",2\n',
      delimiter: ',',
      names: ['a,1', 'b\nb'],
    },
    { what: 'Windows line ends', text: 'a,b\r\n1,2\r\n', delimiter: ',', names: ['a', 'b'] },
    { what: 'names that are missing', text: 'a,\n1,2\n', delimiter: ',', names: ['a', 'column_2'] },
  ])('reads $what', async ({ text, delimiter, names }) => {
    const profile = await profileOf(text);
    expect(profile.delimiter).toBe(delimiter);
    expect(profile.columns.map(({ name }) => name)).toEqual(names);
    expect(profile.rows).toBeGreaterThan(0);
  });

  it.each([
    ['codes with leading zeros', 'id\n007\n008\n', 'text'],
    ['numbers too large for a float', 'n\n1e999\n', 'text'],
    ['numbers and words', 'n\n1\nmany\n', 'text'],
    ['what only looks like a date', 'd\n2024-13-45\n', 'text'],
    ['times with and without a zone', 'd\n2024-01-01T10:00:00Z\n2024-01-01 11:00\n', 'date'],
    ['nothing at all', 'd\n""\nnull\n', 'empty'],
  ])('takes %s for what they are', async (_, text, type) => {
    expect((await profileOf(text)).columns).toMatchObject([{ type }]);
  });

  it('orders the values of a column of mixed kinds as text', async () => {
    const { columns } = await profileOf('n\n2\n100\n99\nmany\n');
    expect(columns).toMatchObject([{ type: 'text', min: '100', max: 'many' }]);
  });

  it('counts rows that do not fit the header, and goes on', async () => {
    expect(await profileOf('a,b\n1\n1,2\n1,2,3\n')).toMatchObject({ rows: 3, uneven_rows: 2 });
  });

  it('describes an empty file, and one with a header only', async () => {
    expect(await profileOf('')).toMatchObject({ rows: 0, columns: [] });
    expect(await profileOf('a,b\n')).toMatchObject({
      rows: 0,
      columns: [{ type: 'empty' }, { type: 'empty' }],
    });
  });

  it('does not grow with the number of rows, and says when it no longer counts every value', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `${i},${i % 3}`);
    const { rows, columns } = await profileOf(`id,group\n${lines.join('\n')}\n`);
    expect(rows).toBe(100_000);
    expect(columns).toMatchObject([
      { distinct_is_complete: false, min: 0, max: 99_999 },
      { distinct: 3, distinct_is_complete: true },
    ]);
    expect(columns[0]?.mean).toBeCloseTo(49_999.5, 6);
  });

  it('prints a text for a reader', async () => {
    const { stdout } = await run(write('a,b\n1,x\n2,x\n'));
    expect(stdout).toBe(
      [
        '2 rows, 2 columns, delimiter comma, uneven rows 0',
        '',
        'a: integer',
        '  missing 0, distinct 2, min 1, max 2, mean 1.5',
        '  most frequent: 1 (1), 2 (1)',
        '',
        'b: text',
        '  missing 0, distinct 1, min x, max x',
        '  most frequent: x (2)',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['a file that is not there', () => join(folder, 'missing.csv'), /^error: .*No such file/],
    [
      'a file of another encoding',
      () => write(Buffer.from('a\nstra\xdfe\n', 'latin1')),
      /--encoding latin-1/,
    ],
  ])('says in one line what is wrong with %s', async (_, path, message) => {
    const { code, stderr } = await run(path());
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

interface Profile {
  readonly rows: number;
  readonly delimiter: string;
  readonly columns: readonly { readonly name: string; readonly mean?: number }[];
}

async function profileOf(text: string): Promise<Profile> {
  const { code, stdout, stderr } = await run(write(text), '--json');
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Profile;
}

function write(content: string | Buffer): string {
  const path = join(folder, 'table.csv');
  writeFileSync(path, content);
  return path;
}

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile('python3', [script, ...args], (error, stdout, stderr) => {
      if (error && child.exitCode === null) reject(error);
      else resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
