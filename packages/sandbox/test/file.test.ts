import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxServer, startSandboxServer } from '../../../test/support/sandbox-server.ts';

let server: SandboxServer;
let folder: string;

beforeAll(async () => {
  server = await startSandboxServer();
  folder = join(server.folder, 'workspace');
});
afterAll(async () => server[Symbol.asyncDispose]());

interface Body {
  readonly success: boolean;
  readonly message: string;
  readonly code?: string;
  readonly data: Record<string, unknown>;
}

async function post(operation: string, body: object): Promise<{ status: number; body: Body }> {
  const { status, body: text } = await server.connection.send('POST', `/v1/file/${operation}`, body);
  return { status, body: JSON.parse(text) };
}

function multipart(parts: readonly { name: string; filename?: string; content: string | Buffer }[]): Buffer {
  const chunks = parts.flatMap(({ name, filename, content }) => {
    const file =
      filename === undefined ? '' : `; filename="${filename}"\r\ncontent-type: application/octet-stream`;
    return [`--edge\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`, content, '\r\n'];
  });
  return Buffer.concat([...chunks, '--edge--\r\n'].map((chunk) => Buffer.from(chunk as string)));
}

const formHeaders = { 'content-type': 'multipart/form-data; boundary=edge' };

async function upload(body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, headers = formHeaders) {
  let text = '';
  const take = (chunk: Buffer) => {
    text += chunk;
  };
  const { status } = await server.connection.transfer('POST', '/v1/file/upload', { headers, body, take });
  return { status, body: JSON.parse(text) as Body & { detail?: unknown } };
}

async function get(query: Record<string, string>, headers: Record<string, string> = {}, method = 'GET') {
  const chunks: Buffer[] = [];
  const take = (chunk: Buffer) => {
    chunks.push(chunk);
  };
  const path = `/v1/file/download?${new URLSearchParams(query)}`;
  const answer = await server.connection.transfer(method, path, { headers, take });
  return { ...answer, bytes: Buffer.concat(chunks) };
}

describe('upload', () => {
  it.each([
    ['before', 0],
    ['behind', 1],
  ])('takes a path that comes %s the file', async (_, position) => {
    const content = randomBytes(3_000_000);
    const path = join(folder, `up/${position}/a.bin`);
    const file = { name: 'file', filename: 'x.bin', content };
    const parts = [file].toSpliced(position, 0, {
      name: 'path',
      content: Buffer.from(path),
      filename: undefined as never,
    });
    const { status, body } = await upload([multipart(parts)]);
    expect([status, body.data]).toEqual([200, { file_path: path, file_size: content.length, success: true }]);
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(readdirSync(join(folder, `up/${position}`))).toEqual(['a.bin']);
  });

  it('puts a file without a path under its own name, whatever folders the name claims', async () => {
    const { body } = await upload([multipart([{ name: 'file', filename: '../../up.txt', content: 'x' }])]);
    expect(String(body.data.file_path)).toMatch(/\/[^/]+\/up\.txt$/);
    expect(readFileSync(String(body.data.file_path), 'utf8')).toBe('x');
  });

  it('replaces a file through its link', async () => {
    writeFileSync(join(folder, 'target.txt'), 'old');
    symlinkSync('target.txt', join(folder, 'up-link'));
    for (const parts of [
      [
        { name: 'path', content: join(folder, 'up-link') },
        { name: 'file', filename: 'f', content: 'new' },
      ],
      [
        { name: 'file', filename: 'f', content: 'newer' },
        { name: 'path', content: join(folder, 'up-link') },
      ],
    ]) {
      expect((await upload([multipart(parts)])).status).toBe(200);
    }
    expect(readFileSync(join(folder, 'target.txt'), 'utf8')).toBe('newer');
  });

  it.each([
    ['no form', formHeaders, '', 422],
    ['another type', { 'content-type': 'application/json' }, '{}', 422],
    ['no boundary', { 'content-type': 'multipart/form-data;' }, 'x', 422],
    [
      'a form that ends too soon',
      formHeaders,
      multipart([{ name: 'file', filename: 'a', content: 'x' }]).subarray(0, -9),
      422,
    ],
    ['a form without a file', formHeaders, multipart([{ name: 'path', content: '/tmp/x' }]), 422],
    [
      'a path that is not absolute',
      formHeaders,
      multipart([
        { name: 'path', content: 'x' },
        { name: 'file', filename: 'a', content: 'x' },
      ]),
      400,
    ],
    [
      'a path that is a folder',
      formHeaders,
      multipart([
        { name: 'path', content: '/tmp' },
        { name: 'file', filename: 'a', content: 'x' },
      ]),
      400,
    ],
  ])('answers %s with a clear error', async (_, headers, body, expected) => {
    const before = readdirSync(folder);
    const { status, body: answer } = await upload([Buffer.from(body)], headers);
    expect(status).toBe(expected);
    expect(expected === 422 ? answer.detail : answer.code).toBeTruthy();
    expect(readdirSync(folder)).toEqual(before);
  });

  it('answers a refusal while the client is still sending, and goes on serving', async () => {
    const head = multipart([
      { name: 'path', content: '/tmp' },
      { name: 'file', filename: 'a', content: 'x' },
    ]).subarray(0, -12);
    const chunk = Buffer.alloc(1024 * 1024);
    const { status } = await upload([head, ...Array(32).fill(chunk)]);
    expect(status).toBe(400);
    expect((await post('read', { file: '/etc/hostname' })).status).toBe(200);
  });

  it('leaves nothing of a file whose client went away', async () => {
    mkdirSync(join(folder, 'gone'));
    const path = join(folder, 'gone/a.bin');
    const whole = multipart([
      { name: 'path', content: path },
      { name: 'file', filename: 'a', content: 'x' },
    ]);
    const arrived = Promise.withResolvers<void>();
    async function* body() {
      yield whole.subarray(0, -12);
      await arrived.promise;
      throw new Error('the client gives up');
    }
    const sending = upload(body()).catch(() => 'broken');
    await expect.poll(() => readdirSync(join(folder, 'gone')).length).toBe(1);
    arrived.resolve();
    expect(await sending).toBe('broken');
    await expect.poll(() => readdirSync(join(folder, 'gone'))).toEqual([]);
  });
});

describe('download', () => {
  const content = randomBytes(700_000);
  let path: string;
  beforeAll(() => {
    path = join(folder, 'dö"wn.bin');
    writeFileSync(path, content);
  });

  it('gives the bytes with their size, name and version', async () => {
    const { status, headers, bytes } = await get({ path });
    expect(status).toBe(200);
    expect(bytes.equals(content)).toBe(true);
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '700000',
      'accept-ranges': 'bytes',
      'content-disposition': `attachment; filename="d__wn.bin"; filename*=UTF-8''d%C3%B6%22wn.bin`,
    });
    expect((await get({ path }, { 'if-none-match': String(headers.etag) })).status).toBe(304);
    expect((await get({ path }, { 'if-modified-since': String(headers['last-modified']) })).status).toBe(304);
    const stale = await get({ path }, { range: 'bytes=0-1', 'if-range': '"another"' });
    expect([stale.status, stale.bytes.length]).toEqual([200, 700_000]);
  });

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=699990-', 699_990, 700_000],
    ['bytes=-5', 699_995, 700_000],
    ['bytes=262143-262145', 262_143, 262_146],
  ])('gives the range %s', async (range, from, to) => {
    for (const change_policy of ['ignore', 'abort']) {
      const { status, headers, bytes } = await get({ path, change_policy }, { range });
      expect(status).toBe(206);
      expect(headers['content-range']).toBe(`bytes ${from}-${to - 1}/700000`);
      expect(bytes.equals(content.subarray(from, to))).toBe(true);
    }
  });

  it('answers 416 for a range behind the end, and nothing but headers to HEAD', async () => {
    const { status, headers } = await get({ path }, { range: 'bytes=700000-' });
    expect([status, headers['content-range']]).toEqual([416, 'bytes */700000']);
    const head = await get({ path }, {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.bytes.length]).toEqual([200, '700000', 0]);
  });

  it('gives an empty file', async () => {
    writeFileSync(join(folder, 'nothing'), '');
    const { status, bytes } = await get({ path: join(folder, 'nothing') });
    expect([status, bytes.length]).toEqual([200, 0]);
  });

  it('never passes a changed file off as whole under change_policy=abort', async () => {
    const changing = join(folder, 'changing.bin');
    writeFileSync(changing, Buffer.alloc(16 * 1024 * 1024, 'a'));
    let received = 0;
    const path = `/v1/file/download?${new URLSearchParams({ path: changing, change_policy: 'abort' })}`;
    const take = (chunk: Buffer) => {
      if (received === 0) writeFileSync(changing, Buffer.alloc(16 * 1024 * 1024, 'b'));
      received += chunk.length;
    };
    await expect(server.connection.transfer('GET', path, { take })).rejects.toThrow();
    expect(received).toBeLessThan(16 * 1024 * 1024);
  });

  it.each([
    ['/nowhere', 404],
    ['/tmp', 400],
    ['/dev/zero', 400],
    ['relative', 400],
    ['/a\0', 400],
  ])('answers %j with %i', async (wrong, status) => {
    expect((await get({ path: wrong })).status).toBe(status);
  });
});

describe('large files', () => {
  it('pass in both directions in memory that stays small', async () => {
    const mib = 1024 * 1024;
    const path = join(folder, 'large.bin');
    const chunk = randomBytes(mib);
    const total = 192;
    const hash = createHash('sha256');
    const peak = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]);
    const before = peak();
    const whole = multipart([
      { name: 'path', content: path },
      { name: 'file', filename: 'a', content: '' },
    ]);
    const cut = whole.length - '\r\n--edge--\r\n'.length;
    function* body() {
      yield whole.subarray(0, cut);
      for (let i = 0; i < total; i++) {
        hash.update(chunk);
        yield chunk;
      }
      yield whole.subarray(cut);
    }
    expect((await upload(body())).status).toBe(200);
    const received = createHash('sha256');
    const take = (part: Buffer) => {
      received.update(part);
    };
    await server.connection.transfer('GET', `/v1/file/download?${new URLSearchParams({ path })}`, { take });
    expect(received.digest('hex')).toBe(hash.digest('hex'));
    expect(peak() - before).toBeLessThan(64 * 1024);
  });
});

describe('str_replace_editor', () => {
  const edit = (fields: object) => post('str_replace_editor', fields);

  it('creates, views, edits and undoes', async () => {
    const path = join(folder, 'edited.txt');
    expect(
      (await edit({ command: 'create', path, file_text: 'one\ntwo\nthree\n' })).body.data.prev_exist,
    ).toBe(false);
    expect((await edit({ command: 'view', path, view_range: [2, -1] })).body.data.output).toBe(
      `Here's the result of running \`cat -n\` on ${path}:\n     2\ttwo\n     3\tthree\n`,
    );
    await edit({ command: 'str_replace', path, old_str: 'two', new_str: 'zwei' });
    await edit({ command: 'insert', path, insert_line: 0, new_str: 'zero' });
    expect(readFileSync(path, 'utf8')).toBe('zero\none\nzwei\nthree\n');
    await edit({ command: 'undo_edit', path });
    await edit({ command: 'undo_edit', path });
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
    expect((await edit({ command: 'undo_edit', path })).body.code).toBe('file_no_history');
  });

  it.each([
    ['ALL', 'x x x'],
    ['FIRST', 'x a a'],
    ['LAST', 'a a x'],
  ])('replaces %s of several', async (replace_mode, expected) => {
    const path = join(folder, 'several.txt');
    writeFileSync(path, 'a a a');
    await edit({ command: 'str_replace', path, old_str: 'a', new_str: 'x', replace_mode });
    expect(readFileSync(path, 'utf8')).toBe(expected);
  });

  // How clients tell failures apart: the first list of words that the message holds one of.
  const kinds = [
    ['does not exist', 'invalid `path`'],
    ['did not appear', 'no replacement'],
    ['not unique', 'multiple'],
  ];

  it.each([
    [{ command: 'view', path: '/nowhere' }, 404, 0],
    [{ command: 'str_replace', path: '/nowhere', old_str: 'a' }, 404, 0],
    [{ command: 'insert', path: '/nowhere', insert_line: 0, new_str: 'a' }, 404, 0],
    [{ command: 'str_replace', old_str: 'missing', new_str: 'a' }, 400, 1],
    [{ command: 'str_replace', old_str: 'a', new_str: 'a', replace_mode: 'ALL' }, 400, 1],
    [{ command: 'str_replace', old_str: 'a', new_str: 'b' }, 400, 2],
  ])('says what failed in the words that clients look for: %j', async (fields, status, kind) => {
    const path = join(folder, 'not unique multiple did not appear.txt');
    writeFileSync(path, 'a\na\n');
    const { status: answered, body } = await edit({ path, ...fields });
    expect(answered).toBe(status);
    const found = kinds.findIndex((words) => words.some((word) => body.message.toLowerCase().includes(word)));
    expect(found).toBe(kind);
  });

  it.each([
    [{ command: 'create', path: '/tmp/x' }, 'file_text'],
    [{ command: 'str_replace', path: '/tmp/x' }, 'old_str'],
    [{ command: 'insert', path: '/etc/hostname', new_str: 'x' }, 'insert_line'],
    [{ command: 'insert', path: '/etc/hostname', insert_line: 99, new_str: 'x' }, 'insert_line'],
    [{ command: 'view', path: '/etc/hostname', view_range: [0, 1] }, 'view_range'],
    [{ command: 'view', path: '/etc/hostname', view_range: [1] }, 'view_range'],
    [{ command: 'view', path: '/tmp', view_range: [1, 2] }, 'view_range'],
  ])('names the parameter that is missing or wrong: %j', async (fields, name) => {
    const { status, body } = await edit(fields);
    expect(status).toBe(422);
    expect(body).toMatchObject({ detail: [{ loc: ['body', name] }] });
  });
});

describe('a path that leads nowhere good', () => {
  const operations = [
    ['read', (file: string) => ({ file })],
    ['replace', (file: string) => ({ file, old_str: 'a', new_str: 'b' })],
    ['search', (file: string) => ({ file, regex: 'a' })],
    ['list', (path: string) => ({ path })],
    ['find', (path: string) => ({ path, glob: '*' })],
    ['glob', (path: string) => ({ path, pattern: '*' })],
    ['grep', (path: string) => ({ path, pattern: 'a' })],
    ['str_replace_editor', (path: string) => ({ path, command: 'view' })],
  ] as const;

  it.each(operations)('is a clear error of %s', async (operation, body) => {
    symlinkSync(`loop-${operation}`, join(folder, `loop-${operation}`));
    const expected = [
      ['/nowhere/at/all', 404, 'file_not_found'],
      ['not/absolute', 400, 'file_invalid_path'],
      ['', 400, 'file_invalid_path'],
      ['/tmp/\0', 400, 'file_invalid_path'],
      ['/tmp/\ud800', 400, 'file_invalid_path'],
      [`/${'x/'.repeat(4_000)}`, 400, 'file_invalid_path'],
      [`/tmp/${'x'.repeat(256)}`, 400, 'file_invalid_path'],
      [join(folder, `loop-${operation}`), 400, 'file_invalid_path'],
      ['/dev/zero', 400, 'file_invalid_target'],
      ['/etc/passwd/x', 400, 'file_invalid_target'],
    ] as const;
    for (const [path, status, code] of expected) {
      const answer = await post(operation, body(path));
      expect([path.slice(0, 30), answer.status, answer.body.code]).toEqual([path.slice(0, 30), status, code]);
      expect(JSON.stringify(answer.body).length).toBeLessThan(1_500);
    }
  });
});
