import { describe, expect, it } from 'vitest';
import { resolve } from '../src/front/resolve.ts';

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
