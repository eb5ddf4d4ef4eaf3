import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { guard } from '../src/front/guard.ts';

const check = guard({
  allowedHosts: ['deer-flow-sandbox', '*.example.com'],
  allowedOrigins: ['https://console.example.org'],
});
const request = (headers: object) => ({ headers }) as IncomingMessage;

describe('the guard against web pages', () => {
  it.each([
    ['localhost'],
    ['LOCALHOST:8080'],
    ['localhost.:8080'],
    ['8000-abc.localhost:8080'],
    ['127.0.0.1:8080'],
    ['10.1.2.3'],
    ['[::1]:8080'],
    ['deer-flow-sandbox:8080'],
    ['a.b.example.com'],
  ])('lets the host %s in', (host) => {
    expect(() => check(request({ host }))).not.toThrow();
  });

  it.each([
    ['evil.example'],
    ['localhost.evil.example'],
    ['127.0.0.1.evil.example:8080'],
    ['notexample.com'],
    ['example.com'],
    ['[::1].evil.example'],
    ['evil.example#.localhost'],
    ['evil.example/.example.com'],
    ['localhost:80@evil.example'],
    [''],
    [undefined],
  ])('refuses the host %s', (host) => {
    expect(() => check(request({ host }))).toThrow(expect.objectContaining({ code: 'host_refused' }));
  });

  it.each([['http://localhost:8080'], ['https://console.example.org'], [undefined]])(
    'lets the origin %s in',
    (origin) => {
      expect(() => check(request({ host: 'localhost:8080', origin }))).not.toThrow();
    },
  );

  it.each([['http://evil.example'], ['null'], ['http://localhost:9090'], ['http://localhost'], ['']])(
    'refuses the origin %j',
    (origin) => {
      const refused = expect.objectContaining({ code: 'origin_refused' });
      expect(() => check(request({ host: 'localhost:8080', origin }))).toThrow(refused);
    },
  );
});
