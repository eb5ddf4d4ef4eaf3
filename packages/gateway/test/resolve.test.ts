import { describe, expect, it } from 'vitest';
import { programHost } from '../src/front/address.ts';
import { resolve as resolveAddress } from '../src/front/resolve.ts';

const resolve = (target: string, ids: readonly string[] = [], host = 'localhost:8080') =>
  resolveAddress({ target, ids, program: programHost(host, 'localhost') });

const secretless = { secret: undefined };

describe('where a request goes', () => {
  const cases: [target: string, ids: string[], expected: object][] = [
    ['/v1/shell/exec', [], { to: 'sandbox', id: 'default', target: '/v1/shell/exec' }],
    ['/v1/shell/exec', ['chat-1'], { to: 'sandbox', id: 'chat-1', target: '/v1/shell/exec' }],
    [
      '/v1/file/download?path=%2Fa%20b',
      [],
      { to: 'sandbox', id: 'default', target: '/v1/file/download?path=%2Fa%20b' },
    ],
    ['//v1/sandbox', [], { to: 'probe', id: 'default', target: '/v1/sandbox' }],
    ['/v1/sandbox', ['a'], { to: 'probe', id: 'a', target: '/v1/sandbox' }],
    ['http://anything.example/v1/sandbox', [], { to: 'probe', id: 'default', target: '/v1/sandbox' }],
    ['/s/chat-1/v1/sandbox', [], { to: 'existing', id: 'chat-1', ...secretless, target: '/v1/sandbox' }],
    [
      '/s/chat-1//v1/bash/exec?x=1',
      [],
      { to: 'existing', id: 'chat-1', ...secretless, target: '/v1/bash/exec?x=1' },
    ],
    [
      '/s/chat-1.s3cret/v1/sandbox',
      [],
      { to: 'existing', id: 'chat-1', secret: 's3cret', target: '/v1/sandbox' },
    ],
    [
      '/s/chat-1/v1/shell/exec',
      ['other'],
      { to: 'existing', id: 'chat-1', ...secretless, target: '/v1/shell/exec' },
    ],
    ['/proxy/3000/a%2fb?c', [], { to: 'sandbox', id: 'default', target: '/proxy/3000/a%2fb?c' }],
    ['/proxy/3000', ['chat-1'], { to: 'sandbox', id: 'chat-1', target: '/proxy/3000' }],
    ['//proxy/3000//a', [], { to: 'sandbox', id: 'default', target: '/proxy/3000//a' }],
    [
      '/s/chat-1//proxy/3000/%5Ca%2F..%2Fb',
      [],
      { to: 'existing', id: 'chat-1', ...secretless, target: '/proxy/3000/%5Ca%2F..%2Fb' },
    ],
    [
      '/s/chat-1.s3cret/proxy/3000/',
      [],
      { to: 'existing', id: 'chat-1', secret: 's3cret', target: '/proxy/3000/' },
    ],
    ['/proxy', [], { to: 'gateway' }],
    ['/proxy/', [], { to: 'sandbox', id: 'default', target: '/proxy/' }],
    ['*', [], { to: 'gateway' }],
    ['/api/sandboxes', [], { to: 'gateway' }],
    ['/health', ['a'], { to: 'gateway' }],
    ['/bind', [], { to: 'gateway' }],
    ['/', [], { to: 'gateway' }],
    ['/s/chat-1', [], { to: 'gateway' }],
    ['/v1', [], { to: 'gateway' }],
  ];
  it.each(cases)('%s with ids %j', (target, ids, expected) => {
    expect(resolve(target, ids)).toEqual(expected);
  });

  it.each(['/s/a/bind', '/s/a//bind', '/s/a/', '/s/a.secret/health', '/s/a/api/sandboxes'])(
    'refuses %s: outsiders reach the API of a sandbox and nothing else',
    (target) => {
      expect(() => resolve(target, [])).toThrow(expect.objectContaining({ code: 'route_not_found' }));
    },
  );

  it.each([
    '/v1/../bind',
    '/v1/./sandbox',
    '/s/a/v1/../../b/v1/sandbox',
    '/s/a%2fb/v1/sandbox',
    '/s/a/v1%2F..%2Fbind',
    '/v1/%2e%2e/bind',
    '/v1\\..\\bind',
    '/s/a/%2E./bind',
    '/v1/\tsandbox',
    '/s/a/..%2f..%2fs/b/v1/sandbox',
    '/s/a/../b/v1/sandbox',
    '/s/a%2f..%2fb/proxy/3000/',
    '/s/a/proxy%2f3000/',
    '/s/a/proxy/3000%2f..%2f..%2fbind',
    '/s/a/proxy/../bind',
    '/s/a/proxy/3000/../../bind',
    '/s/a/proxy/3000/../../../b/proxy/3000/',
    '/proxy/3000/%2e%2e/%2E./bind',
    '/proxy/3000/.%2e/x',
    '/proxy/%2e%2e/bind',
    '/proxy/3000\\..\\..\\bind',
    'http://localhost:8080/s/a/../b/v1/sandbox',
  ])('refuses %j: what one part reads as a separator, another may not', (target) => {
    expect(() => resolve(target, [])).toThrow(expect.objectContaining({ code: 'route_not_found' }));
  });

  it.each([
    '/s/a b/v1/sandbox'.replace(' ', '%20'),
    `/s/${'a'.repeat(65)}/v1/sandbox`,
    '/s//v1/sandbox',
    '/s/ä/v1/sandbox',
  ])('refuses the id in %s', (target) => {
    expect(() => resolve(target, [])).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });

  it.each([[['a', 'b']], [['../x']], [['']], [['a, b']]])('refuses the ids %j', (ids) => {
    expect(() => resolve('/v1/shell/exec', ids)).toThrow(expect.objectContaining({ name: 'InvalidInput' }));
  });
});

describe('a request to the host of a program', () => {
  const name = '0123456789abcdef0123456789abcdef';
  const host = `3000-${name}.localhost:8080`;

  it.each([
    ['/', '/proxy/3000/'],
    ['/a?b=/s/x', '/proxy/3000/a?b=/s/x'],
    ['//twice', '/proxy/3000//twice'],
    ['/a%2fb%5c', '/proxy/3000/a%2fb%5c'],
    ['?query', '/proxy/3000/?query'],
    ['*', '/proxy/3000/*'],
    [`http://${host}/x`, '/proxy/3000/x'],
    ['/api/sandboxes', '/proxy/3000/api/sandboxes'],
    ['/s/other/v1/shell/exec', '/proxy/3000/s/other/v1/shell/exec'],
    ['/v1/shell/exec', '/proxy/3000/v1/shell/exec'],
    ['/bind', '/proxy/3000/bind'],
  ])('%s goes to the program, whatever it would be elsewhere', (target, asked) => {
    expect(resolve(target, ['other', 'x'], host)).toEqual({ to: 'program', name, target: asked });
  });

  it.each(['/../bind', '/%2e%2E/bind', '/a/./b', '/..', '/a\\..\\b'])('refuses %s', (target) => {
    expect(() => resolve(target, [], host)).toThrow(expect.objectContaining({ code: 'route_not_found' }));
  });

  it.each([
    [`3000-${name}.localhost`, true],
    [`3000-${name.toUpperCase()}.LOCALHOST.:80`, true],
    [`0-${name}.localhost`, false],
    [`03000-${name}.localhost`, false],
    [`3000-${name}0.localhost`, false],
    [`3000-${name.slice(1)}.localhost`, false],
    [`3000-${name}.evil.example`, false],
    [`3000-${name}.localhost.evil.example`, false],
    [`x.3000-${name}.localhost`, false],
    [`3000-${name}.a.localhost`, false],
    [name, false],
    ['localhost:8080', false],
    ['', false],
  ])('is one whose host is of the form: %s', (named, isProgram) => {
    expect(programHost(named, 'localhost') !== undefined).toBe(isProgram);
  });
});
