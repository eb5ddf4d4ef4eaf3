import { spawnSync } from 'node:child_process';
import { chmodSync, linkSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeContent } from '../src/file/content.ts';
import { findNames, globFiles } from '../src/file/glob.ts';
import { PathLocks } from '../src/file/locks.ts';
import { matchesPath, parseGlob } from '../src/file/pattern/glob.ts';
import { parseRange } from '../src/file/range.ts';
import { readText } from '../src/file/read.ts';
import { replaceInFile } from '../src/file/replace.ts';
import { searchFile } from '../src/file/search.ts';
import { writeBytes } from '../src/file/write.ts';
import { Folder } from './file/folder.ts';

describe('reading lines', () => {
  it('gives what slicing the list of lines gives', async () => {
    using folder = new Folder();
    const line = fc.stringMatching(/^[a-zäß\r]{0,5}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.nat(10),
        fc.nat(10),
        async (lines, startLine, endLine) => {
          const path = folder.write('a.txt', lines.map((text) => `${text}\n`).join(''));
          const expected = lines.slice(startLine, endLine).join('\n');
          expect(await readText(path, { startLine, endLine })).toBe(expected);
          expect(await readText(path, { startLine })).toBe(lines.slice(startLine).join('\n'));
        },
      ),
    );
  });

  it('reads files that do not say how large they are', async () => {
    expect(await readText('/proc/self/status')).toContain('Pid:');
  });
});

describe('a range of bytes', () => {
  const satisfied = (header: string, size: number) => parseRange(header, size);

  it.each([
    ['bytes=0-0', 10, { first: 0, last: 0 }],
    ['bytes=2-', 10, { first: 2, last: 9 }],
    ['bytes=-3', 10, { first: 7, last: 9 }],
    ['bytes=-30', 10, { first: 0, last: 9 }],
    ['bytes=5-500', 10, { first: 5, last: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-2', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['lines=0-1', 10, undefined],
  ])('%s of %i bytes', (header, size, expected) => {
    expect(satisfied(header, size)).toEqual(expected);
  });

  it('lies within the file whatever is asked for', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^bytes=\d{0,30}-\d{0,30}$/), fc.nat(), (header, size) => {
        const range = satisfied(header, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.first).toBeLessThanOrEqual(range.last);
        expect(range.last).toBeLessThan(size);
      }),
    );
  });
});

describe('content', () => {
  it('comes back from base64 and from raw as it was', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(decodeContent('/a', buffer.toString('base64'), 'base64')).toEqual(buffer);
        expect(decodeContent('/a', buffer.toString('latin1'), 'raw')).toEqual(buffer);
      }),
    );
  });

  it.each([
    ['base64', 'a'],
    ['base64', '%%%%'],
    ['base64', 'AA=A'],
    ['raw', 'ā'],
  ] as const)('refuses as %s: %s', (encoding, text) => {
    expect(() => decodeContent('/a', text, encoding)).toThrow(
      expect.objectContaining({ code: 'file_decode_error' }),
    );
  });
});

describe('a glob', () => {
  const matches = (pattern: string, path: string) =>
    parseGlob(pattern, { braces: true, escapes: true }).some((segments) =>
      matchesPath(segments, path.split('/')),
    );

  it.each([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'b/a.txt', false],
    ['**/*.txt', 'a.txt', true],
    ['**/*.txt', 'b/c/a.txt', true],
    ['b/**', 'b', false],
    ['b/**', 'b/c/d', true],
    ['b/**/d', 'b/d', true],
    ['?.txt', '日.txt', true],
    ['?.txt', '😀.txt', true],
    ['[a-c].txt', 'b.txt', true],
    ['[!a-c].txt', 'b.txt', false],
    ['[]x].txt', '].txt', true],
    ['[x', '[x', true],
    ['{a,b{c,d}}.txt', 'bd.txt', true],
    ['{a}.txt', '{a}.txt', true],
    ['\\*.txt', '*.txt', true],
    ['\\*.txt', 'a.txt', false],
    ['a**b', 'axxb', true],
  ])('%s against %s: %s', (pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  it('takes any text as a pattern, and a name with its wildcards escaped as that name', () => {
    const name = fc
      .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
      .filter((text) => !/[/\0]/.test(text));
    fc.assert(
      fc.property(name, fc.string(), (text, wild) => {
        expect(matches(text.replaceAll(/[\\*?[\]{},!^]/g, '\\$&'), text)).toBe(true);
        matches(wild, text);
      }),
    );
  });

  it('is fast for patterns that make others slow', () => {
    const start = performance.now();
    expect(matches(`${'*a'.repeat(60)}b`, 'a'.repeat(250))).toBe(false);
    expect(matches(`${'**/a/'.repeat(30)}b`, 'a/'.repeat(500))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('find', () => {
  it('finds what the glob of Python finds', async () => {
    using folder = new Folder({
      'a.txt': '',
      'sub/b.txt': '',
      'sub/deep/c.txt': '',
      '.hidden/d.txt': '',
      '.e.txt': '',
      'we[ird].txt': '',
      'back\\slash': '',
      '{x,y}': '',
    });
    symlinkSync('sub', folder.at('link'));
    symlinkSync('loop', folder.at('loop'));
    const patterns = ['a.txt', 'b.txt', '*.txt', '*', 'sub/*', '*/*.txt', '.*', '.hidden/*', 'we[[]ird].txt'];
    const more = [
      'link/*.txt',
      'back\\slash',
      '{x,y}',
      'loop',
      'missing/x',
      '?.txt',
      '[ab].txt',
      './a.txt',
      'sub/../a.txt',
    ];
    const script =
      'import glob,sys,os,json; print(json.dumps([sorted(glob.glob(os.path.join(sys.argv[1],p))) for p in sys.argv[2:]]))';
    const asked = [...patterns, ...more];
    const python = spawnSync('python3', ['-c', script, folder.path, ...asked], { encoding: 'utf8' });
    const found = await Promise.all(asked.map((pattern) => findNames(folder.path, pattern)));
    expect(found).toEqual(JSON.parse(python.stdout));
    const all = ['a.txt', 'sub/b.txt', 'sub/deep/c.txt', 'we[ird].txt'].map((name) => folder.at(name));
    expect(await findNames(folder.path, '**/*.txt')).toEqual(all);
  });

  it('keeps the prefix of the path as it was asked for', async () => {
    using folder = new Folder({ 'real/a.txt': '' });
    symlinkSync('real', folder.at('link'));
    expect(await findNames(`${folder.path}/./link/`, '*')).toEqual([`${folder.path}/./link/a.txt`]);
  });

  it.each([
    ['/nowhere', 'file_not_found'],
    ['/etc/passwd', 'file_invalid_target'],
    ['relative', 'file_invalid_path'],
    ['/a\0b', 'file_invalid_path'],
  ])('refuses the folder %j', async (path, code) => {
    await expect(findNames(path, '*')).rejects.toMatchObject({ code });
  });
});

describe('glob', () => {
  const defaults = {
    exclude: [],
    includeHidden: false,
    filesOnly: true,
    includeMetadata: true,
    maxResults: 5_000,
    sortBy: 'path',
    descending: false,
  } as const;

  it('leaves out, counts, orders and cuts', async () => {
    using folder = new Folder({ 'a.ts': '1', 'b/c.ts': '333', 'b/node_modules/d.ts': '22', '.x.ts': '' });
    const names = async (pattern: string, options: Partial<Parameters<typeof globFiles>[2]> = {}) => {
      const { files, total } = await globFiles(folder.path, pattern, { ...defaults, ...options });
      return [files.map(({ name }) => name).join(' '), total];
    };
    expect(await names('**/*.ts')).toEqual(['a.ts c.ts d.ts', 3]);
    expect(await names('**/*.ts', { exclude: ['node_modules'] })).toEqual(['a.ts c.ts', 2]);
    expect(await names('**/*.ts', { exclude: ['b/*.ts'] })).toEqual(['a.ts d.ts', 2]);
    expect(await names('**/*.ts', { includeHidden: true })).toEqual(['.x.ts a.ts c.ts d.ts', 4]);
    expect(await names('**/*.ts', { sortBy: 'size', descending: true, maxResults: 2 })).toEqual([
      'c.ts d.ts',
      3,
    ]);
    expect(await names('*', { filesOnly: false })).toEqual(['a.ts b', 2]);
    expect(await names('{a,x}.ts')).toEqual(['a.ts', 1]);
  });
});

describe('a write', () => {
  it('keeps mode, symbolic and hard links, and leaves nothing beside the file', async () => {
    using folder = new Folder({ 'a.sh': 'old', h1: 'old' });
    chmodSync(folder.at('a.sh'), 0o751);
    symlinkSync('a.sh', folder.at('link'));
    symlinkSync('later', folder.at('dangling'));
    linkSync(folder.at('h1'), folder.at('h2'));
    for (const name of ['link', 'dangling', 'h1', 'new/folder/x'])
      await writeBytes(folder.at(name), Buffer.from('new'));
    expect(lstatSync(folder.at('link')).isSymbolicLink()).toBe(true);
    expect(statSync(folder.at('a.sh')).mode & 0o7777).toBe(0o751);
    for (const name of ['a.sh', 'later', 'h2', 'new/folder/x'])
      expect(readFileSync(folder.at(name), 'utf8')).toBe('new');
    const names = readdirSync(folder.path).sort();
    expect(names).toEqual(['a.sh', 'dangling', 'h1', 'h2', 'later', 'link', 'new']);
  });

  it('shows readers the old or the new content, never a part', async () => {
    using folder = new Folder();
    const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    const path = folder.write('a.txt', contents[0] ?? '');
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await writeBytes(path, Buffer.from(contents[i % 2] ?? ''));
    })();
    let isWriting = true;
    void writing.finally(() => {
      isWriting = false;
    });
    while (isWriting) expect(contents.includes(await readText(path))).toBe(true);
    await writing;
  });

  it.each([
    ['/dev/full', 'file_invalid_target'],
    ['/tmp', 'file_invalid_target'],
    ['/etc/passwd/x', 'file_invalid_target'],
    ['/proc/nothing', 'file_not_found'],
    ['not/absolute', 'file_invalid_path'],
    ['/tmp/\0', 'file_invalid_path'],
    ['/tmp/\ud800', 'file_invalid_path'],
    [`/tmp/${'x'.repeat(300)}`, 'file_invalid_path'],
  ])('to %j fails with %s', async (path, code) => {
    await expect(writeBytes(path, Buffer.from('x'))).rejects.toMatchObject({ code });
  });

  it('never hangs on a pipe or a loop', async () => {
    using folder = new Folder();
    spawnSync('mkfifo', [folder.at('pipe')]);
    symlinkSync('loop', folder.at('loop'));
    for (const act of [
      (path: string) => writeBytes(path, Buffer.from('x')),
      (path: string) => readText(path),
    ]) {
      await expect(act(folder.at('pipe'))).rejects.toMatchObject({ code: 'file_invalid_target' });
      await expect(act(folder.at('loop'))).rejects.toMatchObject({ code: 'file_invalid_path' });
    }
    await expect(writeBytes(folder.at('pipe'), Buffer.from('x'), { append: true })).rejects.toMatchObject({
      code: 'file_invalid_target',
    });
  });
});

describe('replace', () => {
  it('loses no edit when many come at once', async () => {
    using folder = new Folder();
    const path = folder.write('a.txt', Array.from({ length: 40 }, (_, i) => `<${i}>`).join(''));
    const locks = new PathLocks();
    const counts = await Promise.all(
      Array.from({ length: 40 }, (_, i) => replaceInFile(path, { from: `<${i}>`, to: '.' }, locks)),
    );
    expect(counts).toEqual(Array(40).fill(1));
    expect(await readText(path)).toBe('.'.repeat(40));
  });

  it('takes dollar signs as they are', async () => {
    using folder = new Folder({ 'a.txt': 'a a' });
    expect(await replaceInFile(folder.at('a.txt'), { from: 'a', to: '$&$1' }, new PathLocks())).toBe(2);
    expect(await readText(folder.at('a.txt'))).toBe('$&$1 $&$1');
  });
});

describe('search', () => {
  it.each([
    ['b+', ['bb'], [1]],
    ['(?i)AA', ['aa'], [0]],
    ['^c$', ['c'], [3]],
    ['(?P<x>b)(?P=x)', ['bb'], [1]],
    ['(?<=d)e', ['de'], [4]],
    ['\\Ade\\Z', ['de'], [4]],
    ['nothing', [], []],
  ])('%s', async (pattern, matches, lineNumbers) => {
    using folder = new Folder({ 'a.txt': 'aa\r\nbb\n\nc\nde' });
    expect(await searchFile(folder.at('a.txt'), pattern)).toEqual({ matches, lineNumbers });
  });

  it.each(['(', '[', '(a+)+$'])('refuses %s', async (pattern) => {
    using folder = new Folder({ 'a.txt': `${'a'.repeat(50)}b` });
    await expect(searchFile(folder.at('a.txt'), pattern)).rejects.toMatchObject({
      code: 'file_invalid_pattern',
    });
  });

  it('takes any text as a pattern or refuses it', async () => {
    using folder = new Folder({ 'a.txt': 'some text (with) [all] {sorts} of $igns\n' });
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 20 }), async (pattern) => {
        await searchFile(folder.at('a.txt'), pattern).catch((error: { code?: string }) => {
          if (error.code !== 'file_invalid_pattern') throw error;
        });
      }),
    );
  });
});
