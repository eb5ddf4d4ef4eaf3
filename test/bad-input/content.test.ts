/** Requests that are proper HTTP and make no sense: each gets a clear answer, and nothing else suffers. */
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, failure, invalid, type Target, targets } from './target.ts';

const shell = '/v1/shell/exec';
const bash = '/v1/bash/exec';
const read = '/v1/file/read';
const write = '/v1/file/write';
const mebibyte = 1024 * 1024;

describe.each(Object.keys(targets))('%s', (name) => {
  let target: Target;
  beforeAll(async () => {
    target = (await targets[name]?.()) as Target;
    await target.run('true');
  });
  afterAll(() => target[Symbol.asyncDispose]());
  afterEach(() => target.expectHealthy());

  it.each<[string, string | Buffer]>([
    ['is cut off', '{"command": "echo'],
    ['lacks a value', '{"command": }'],
    ['is a bare word', 'echo hello'],
    ['has something behind it', '{"command": "true"} true'],
    ['has single quotes', "{'command': 'true'}"],
    ['has a control character', '{"command": "a\nb"}'],
    ['has a comma too many', '{"command": "true",}'],
    ['is not UTF-8', Buffer.from('{"command": "\xe9"}', 'latin1')],
    ['is UTF-16', Buffer.from('{"command": "true"}', 'utf16le')],
    ['is a list', '[{"command": "true"}]'],
    ['is a text', '"true"'],
    ['is a number', '7'],
    ['is a list 100,000 deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['is never closed', '{"a":'.repeat(100_000)],
  ])('names the body when it %s', async (_, body) => {
    const answer = await target.send(shell, { body });
    expect(answer).toMatchObject({ status: 422, body: invalid('body') });
    expect(answer.text).not.toContain('hello');
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ['is missing', shell, {}, 'command'],
    ['is null', shell, { command: null }, 'command'],
    ['is a number', shell, { command: 7 }, 'command'],
    ['is a list', shell, { command: ['ls', '-l'] }, 'command'],
    ['is an object', shell, { command: { run: 'ls' } }, 'command'],
    ['is 1,000 deep', shell, { command: nested(1000) }, 'command'],
    ['has a NUL byte', shell, { command: 'echo a\0b' }, 'command'],
    ['has a NUL byte', bash, { command: '\0' }, 'command'],
    ['has a NUL byte', shell, { command: 'true', exec_dir: '/tmp\0' }, 'exec_dir'],
    ['has a NUL byte', shell, { command: 'true', id: 'a\0' }, 'id'],
    ['is a megabyte', shell, { command: 'true', id: 'x'.repeat(mebibyte) }, 'id'],
    ['is 257 characters', bash, { command: 'true', session_id: 'x'.repeat(257) }, 'session_id'],
    ['is negative', shell, { command: 'true', timeout: -1 }, 'timeout'],
    ['is a text', shell, { command: 'true', timeout: '1' }, 'timeout'],
    ['is true', shell, { command: 'true', hard_timeout: true }, 'hard_timeout'],
    ['is a text', shell, { command: 'true', async_mode: 'yes' }, 'async_mode'],
    ['is a list', bash, { command: 'true', env: ['A=1'] }, 'env'],
    ['is a fraction', bash, { command: 'true', max_output_length: 1.5 }, 'max_output_length'],
    ['is no known one', write, { file: '/tmp/x', content: '', encoding: 'rot13' }, 'encoding'],
    ['is missing', write, { file: '/tmp/x' }, 'content'],
    ['is negative', read, { file: '/tmp/x', start_line: -1 }, 'start_line'],
    ['is a number', read, { file: 7 }, 'file'],
  ])('names the field that %s in %s %j', async (_, path, body, field) => {
    expect(await target.send(path, { body })).toMatchObject({ status: 422, body: invalid('body', field) });
  });

  it('names the variable that no environment can hold', async () => {
    for (const env of [{ 'A=B': '1' }, { A: 'x\0' }, { A: 1 }, { '': 'x' }]) {
      const { status, body } = await target.send(bash, { body: { command: 'true', env } });
      expect({ status, body }).toMatchObject({
        status: 422,
        body: invalid('body', 'env', ...Object.keys(env)),
      });
    }
  });

  it('names every field that is wrong at once', async () => {
    const { body } = await target.send(shell, { body: { command: 7, timeout: 'x', id: [] } });
    for (const field of ['command', 'timeout', 'id']) expect(body).toMatchObject(invalid('body', field));
  });

  it.each<[string, string]>([
    ['unknown fields', '{"command": "echo fine", "comand": 1, "x": {"y": []}}'],
    ['fields 1,000 deep', `{"command": "echo fine", "x": ${JSON.stringify(nested(1000))}}`],
    ['fields 100,000 deep', `{"command": "echo fine", "x": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['a field __proto__', '{"command": "echo fine", "__proto__": {"command": 7}}'],
    ['a field constructor', '{"command": "echo fine", "constructor": {"prototype": {"id": 7}}}'],
    [
      '10,000 fields',
      `{"command": "echo fine"${Array.from({ length: 10_000 }, (_, i) => `,"f${i}":${i}`).join('')}}`,
    ],
    ['a field twice: the last counts', '{"command": "false", "command": "echo fine"}'],
    ['a byte order mark', '\ufeff{"command": "echo fine"}'],
    ['nulls for what is absent', '{"command": "echo fine", "id": null, "timeout": null, "exec_dir": null}'],
    ['an empty id', '{"command": "echo fine", "id": ""}'],
    ['spaces around', `${' '.repeat(10_000)}{"command": "echo fine"}\n\n`],
  ])('does not mind %s', async (_, body) => {
    const answer = await target.send(shell, { body, headers: { 'content-type': 'text/plain' } });
    expect(answer).toMatchObject({ status: 200, body: { data: { output: 'fine\n' } } });
  });

  it.each([
    ['half of a surrogate pair', '"printf %s \\ud800 | wc -c"', '3\n'],
    ['every control character but NUL', JSON.stringify(`printf %s '${controls()}' | wc -c`), '28\n'],
    ['carriage returns', '"echo a\\r\\necho b\\r"', undefined],
    ['only a comment', '"# nothing"', ''],
    ['nothing', '""', ''],
    ['an unclosed quote', '"echo \'a"', undefined],
    ['a here-document without end', '"cat <<X\\na"', undefined],
  ])('runs a command of %s', async (_, command, output) => {
    const answer = await target.send(shell, { body: `{"id": "odd", "command": ${command}, "timeout": 5}` });
    expect(answer).toMatchObject({ status: 200, body: { data: { status: 'completed' } } });
    if (output !== undefined) expect(answer.body).toMatchObject({ data: { output } });
  });

  it.each([shell, bash])('runs a command of a megabyte in %s', async (path) => {
    const { status, body } = await target.send(path, {
      body: { command: `: ${'a '.repeat(mebibyte / 2)}; echo ok` },
    });
    expect({ status, body }).toMatchObject({ status: 200, body: { data: { exit_code: 0 } } });
  });

  it('says that nothing ran when a variable is longer than the system allows', async () => {
    const { status, body } = await target.send(bash, {
      body: { command: 'true', env: { A: 'x'.repeat(mebibyte) } },
    });
    expect({ status, body }).toMatchObject({ status: 409, body: failure('session_failed') });
  });

  it.each([
    ['../../escape'],
    ['a/b'],
    ['.'],
    ['with space\n'],
    ['🦓'],
    ['__proto__'],
    ['constructor'],
    ['x'.repeat(256)],
    ['%2e%2e'],
    ['$(touch /tmp/owned)'],
    ["'; exit #"],
  ])('keeps a session of the odd id %j', async (id) => {
    await target.send(shell, { body: { id, command: 'A=kept' } });
    const again = await target.send(shell, { body: { id, command: 'echo $A' } });
    expect(again).toMatchObject({ status: 200, body: { data: { output: 'kept\n', session_id: id } } });
    const { body } = await target.send('/v1/shell/sessions', { method: 'GET' });
    expect(Object.keys((body as { data: { sessions: object } }).data.sessions)).toContain(id);
    const none = await target.send('/v1/shell/view', { body: { id: `${id.slice(0, 250)}-none` } });
    expect(none).toMatchObject({ status: 404, body: failure('session_not_found') });
  });

  it.each([
    ['timeout', shell, { command: 'echo fine' }],
    ['no_change_timeout', shell, { command: 'sleep 0.3; echo fine' }],
    ['hard_timeout', shell, { command: 'sleep 0.3; echo fine' }],
    ['timeout', bash, { command: 'sleep 0.3; echo fine' }],
    ['hard_timeout', bash, { command: 'sleep 0.3; echo fine' }],
  ])('takes any length for %s in %s', async (field, path, body) => {
    for (const seconds of [86_400 * 40, 1e12, 1e308]) {
      const { body: answer } = await target.send(path, { body: { ...body, [field]: seconds } });
      expect(answer).toMatchObject({ data: { status: 'completed', exit_code: 0 } });
    }
  });

  it.each([
    ['relative', 'file.txt', 400],
    ['empty', '', 400],
    ['with a NUL byte', '/tmp/a\0b', 400],
    ['too long', `/${'x'.repeat(5000)}`, 400],
    ['with a name too long', `/tmp/${'x'.repeat(300)}`, 400],
    ['of a home by its sign', '~/.bashrc', 400],
    ['missing', '/tmp/not/there', 404],
    ['through a file', '/etc/passwd/x', 400],
    ['of a folder', '/tmp', 400],
    ['of a device without end', '/dev/zero', 400],
    ['of a terminal', '/dev/tty', 400],
    ['of the memory of the server', '/proc/self/mem', undefined],
  ])('answers at once for a path %s', async (_, file, status) => {
    const answer = await target.send(read, { body: { file } });
    expect(answer.status).toSatisfy((given) => (status ? given === status : given >= 400));
    expect(answer.body).toMatchObject({
      success: false,
      message: expect.any(String),
      code: expect.any(String),
    });
    expect(answer.text.length).toBeLessThan(6500);
  });

  it.each<[string, string, string]>([
    ['another method', 'GET', shell],
    ['another method', 'PUT', read],
    ['another method', 'DELETE', bash],
    ['another case', 'POST', '/V1/SHELL/EXEC'],
    ['a slash at its end', 'POST', `${shell}/`],
    ['two slashes inside', 'POST', '/v1//shell/exec'],
    ['a NUL byte', 'POST', '/v1/shell/exec%00'],
    ['a broken escape', 'DELETE', '/v1/shell/sessions/%zz'],
    ['a version to come', 'POST', '/v9/shell/exec'],
    ['its parent', 'POST', '/v1/shell/../../bind'],
    ['its parent, encoded', 'POST', '/v1/%2e%2e/bind'],
    ['nothing', 'POST', '/v1/'],
    ['10,000 characters', 'POST', `/v1/${'x'.repeat(10_000)}`],
  ])('answers 404 for a path with %s (%s %s)', async (_, method, path) => {
    const answer = await target.send(path, { method });
    expect(answer).toMatchObject({ status: 404, body: { ...failure('route_not_found') } });
    expect(answer.text.length).toBeLessThan(600);
  });

  it.each([
    ['says its length', { 'content-length': String(65 * mebibyte) }],
    ['comes in chunks', { 'transfer-encoding': 'chunked' }],
  ])('refuses a body over the limit that %s', async (_, headers) => {
    const outgoing = target.begin(write, { headers });
    let isAnswered = false;
    const answer = answerTo(outgoing).finally(() => {
      isAnswered = true;
    });
    const chunk = Buffer.alloc(mebibyte, 'x');
    for (let sent = 0; sent < 65 && !isAnswered; sent++) {
      if (!outgoing.write(chunk)) await Promise.race([once(outgoing, 'drain'), answer]);
    }
    expect(await answer).toMatchObject({ status: 413, body: failure('body_too_large') });
    outgoing.destroy();
  });
});

function nested(depth: number): unknown {
  let value: unknown = 'x';
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Without NUL, the line feed and carriage return that a terminal's line ends at, and the quote. */
function controls(): string {
  return Array.from({ length: 32 }, (_, code) => String.fromCharCode(code))
    .filter((one) => !'\0\n\r'.includes(one))
    .slice(0, 28)
    .join('');
}
