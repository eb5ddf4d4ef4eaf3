import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { SandboxName } from '../src/engines/engine.ts';
import { hostOf, isSameSandbox, programUrl } from '../src/front/address.ts';

const request = (url: string, hosts: string[] = []) =>
  ({ url, rawHeaders: hosts.flatMap((host) => ['Host', host]) }) as unknown as IncomingMessage;

describe('the host that a request names', () => {
  it.each([
    ['/', ['localhost:8080']],
    ['http://localhost:8080/v1/sandbox', ['localhost:8080']],
    ['HTTP://LOCALHOST:8080', ['localhost:8080']],
    ['https://localhost:8080?x', ['localhost:8080']],
  ])('is that of the header when %s says no other', (url, host) => {
    expect(hostOf(request(url, host))).toBe('localhost:8080');
  });

  it.each([
    ['/', ['localhost:8080', 'localhost:8080']],
    ['/', ['a.localhost', 'b.localhost']],
    ['http://other.localhost/', ['localhost:8080']],
    ['http://localhost/', ['localhost:8080']],
    ['http://user@localhost:8080/', ['localhost:8080']],
    ['http://localhost:8080\\@other/', ['localhost:8080']],
    ['http:///v1/sandbox', ['localhost:8080']],
  ])('is refused when there are two: %s %j', (url, host) => {
    expect(() => hostOf(request(url, host))).toThrow(expect.objectContaining({ code: 'host_refused' }));
  });
});

describe('where programs are', () => {
  const name = '0123456789abcdef0123456789abcdef' as SandboxName;

  it.each([
    ['http://127.0.0.1:8080', 'localhost', `http://{port}-${name}.localhost:8080`],
    ['http://localhost', 'localhost', `http://{port}-${name}.localhost`],
    ['https://paddock.example', 'boxes.example', `https://{port}-${name}.boxes.example`],
    ['https://paddock.example:8443', 'boxes.example', `https://{port}-${name}.boxes.example:8443`],
    ['http://deer-flow-sandbox:8080', 'localhost', undefined],
  ])('by %s with %s: %s', (base, domain, expected) => {
    expect(programUrl(new URL(base), name, domain)).toBe(expected);
  });
});

describe('a page of a program', () => {
  const [one, other] = ['0123456789abcdef0123456789abcdef', 'f'.repeat(32)];

  it.each([
    [`http://5173-${one}.localhost:8080`, `8000-${one}.localhost:8080`, true],
    [`https://5173-${one}.sandboxes.example`, `8000-${one}.sandboxes.example`, true],
    [`http://5173-${one}.localhost:8080`, `8000-${other}.localhost:8080`, false],
    [`http://5173-${one}.localhost:8080`, `8000-${one}.localhost:9090`, false],
    [`http://5173-${one}.localhost`, `8000-${one}.evil.example`, false],
    [`http://5173-${one}.localhost:8080`, 'localhost:8080', false],
    ['http://localhost:8080', `8000-${one}.localhost:8080`, false],
    ['http://localhost:8080', 'localhost:8080', false],
    [`http://evil.example/5173-${one}.localhost:8080`, `8000-${one}.localhost:8080`, false],
    ['null', 'null', false],
  ])('%s may call %s: %s', (origin, host, may) => {
    expect(isSameSandbox(origin, host)).toBe(may);
  });
});
