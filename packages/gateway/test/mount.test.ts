import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { answerHeaders, forwardedTo, type Mount } from '../src/front/mount.ts';

const api: Mount = { on: 'api' };
const host: Mount = { on: 'host' };
const path: Mount = { on: 'path', prefix: '/s/a/proxy/3000', isSecret: false };
const withSecret: Mount = { on: 'path', prefix: '/s/a.hush/proxy/3000', isSecret: true };
const csp = ['Content-Security-Policy', 'sandbox'];

const answered = (raw: string[], mount: Mount) => answerHeaders(raw, mount, 'localhost:8080');

describe('headers of an answer on its way to the caller', () => {
  it.each<[string, string[], boolean]>([
    ['a page', ['Content-Type', 'text/html'], true],
    ['what says of itself nothing', [], true],
    ['a picture', ['Content-Type', 'image/svg+xml'], true],
    ['JSON', ['Content-Type', 'application/json'], false],
    ['JSON with a charset', ['content-type', 'application/json; charset=utf-8'], false],
    ['what is JSON and a page', ['Content-Type', 'application/json', 'Content-Type', 'text/html'], true],
    ['what is both in one', ['Content-Type', 'application/json, text/html'], true],
    ['what only begins like JSON', ['Content-Type', 'application/jsonx'], true],
  ])('confine %s on the gateway’s own origin', (_, raw, isConfined) => {
    for (const mount of [api, path])
      expect(answered(raw, mount)).toEqual(isConfined ? [...raw, ...csp] : raw);
  });

  it('leave what is on an origin of its own as it is', () => {
    const raw = [
      'Content-Type',
      'text/html',
      'Content-Security-Policy',
      "default-src 'self'",
      'Location',
      '/x',
    ];
    expect(answered(raw, host)).toEqual(raw);
  });

  it('add to a policy of the program, and never take the place of one', () => {
    const raw = ['Content-Security-Policy', 'script-src *'];
    expect(answered(raw, path)).toEqual([...raw, ...csp]);
  });

  it('lose what is for one connection only, also the policy when that pretends to be', () => {
    const raw = ['Transfer-Encoding', 'chunked', 'Connection', 'close, content-security-policy', 'X', '1'];
    expect(answered(raw, api)).toEqual(['X', '1', ...csp]);
  });

  it('lose what speaks for the whole origin, and cookies of the API', () => {
    const raw = [
      'Alt-Svc',
      'h3=":1"',
      'Clear-Site-Data',
      '"*"',
      'Service-Worker-Allowed',
      '/',
      'Set-Cookie',
      'a=1',
    ];
    expect(answered(raw, api)).toEqual(csp);
  });

  it.each([
    ['a=1', 'a=1', 'a=1'],
    ['a=1; Path=/; HttpOnly', 'a=1; Path=/s/a/proxy/3000/; HttpOnly', 'a=1; Path=/; HttpOnly'],
    ['a=1;path=/x;Secure', 'a=1; Path=/s/a/proxy/3000/x;Secure', 'a=1; Path=/x;Secure'],
    ['a=1; Path=/s/a/proxy/3000/x', 'a=1; Path=/s/a/proxy/3000/x', 'a=1; Path=/s/a/proxy/3000/x'],
    ['a=1; Path=/s/a/proxy/30001', 'a=1; Path=/s/a/proxy/3000/s/a/proxy/30001', 'a=1; Path=/s/a/proxy/30001'],
    ['a=1; Domain=localhost; Path=/', 'a=1; Path=/s/a/proxy/3000/', 'a=1; Path=/'],
    ['a=1; domain', 'a=1', 'a=1'],
  ])('keep the cookie %j to the program that sets it', (cookie, byPath, byHost) => {
    expect(answered(['Set-Cookie', cookie, 'set-cookie', 'b=2'], path).slice(0, 4)).toEqual([
      ...['Set-Cookie', byPath],
      ...['set-cookie', 'b=2'],
    ]);
    expect(answered(['Set-Cookie', cookie], host)).toEqual(['Set-Cookie', byHost]);
  });

  it.each([
    ['/login?next=/', '/s/a/proxy/3000/login?next=/'],
    ['/s/a/proxy/3000/login', '/s/a/proxy/3000/login'],
    ['http://localhost:8080/login', '/s/a/proxy/3000/login'],
    ['login', 'login'],
    ['../x', '../x'],
    ['//elsewhere.example/', '//elsewhere.example/'],
    ['https://elsewhere.example/', 'https://elsewhere.example/'],
    ['', ''],
  ])('lead a redirect to %j to where the program is', (location, led) => {
    expect(answered(['Location', location], path).slice(0, 2)).toEqual(['Location', led]);
  });
});

describe('what a program hears of its caller', () => {
  const request = (headers: object) =>
    ({ headers: { host: 'h:1', ...headers }, socket: { remoteAddress: '10.0.0.9' } }) as IncomingMessage;
  const said = (mount: Mount, headers: object = {}) => {
    const raw = forwardedTo(request(headers), mount);
    return Object.fromEntries(Array.from({ length: raw.length / 2 }, (_, i) => raw.slice(2 * i, 2 * i + 2)));
  };
  const base = { 'X-Forwarded-For': '10.0.0.9', 'X-Forwarded-Host': 'h:1', 'X-Forwarded-Proto': 'http' };

  it('is the path before its own, where there is one', () => {
    expect(said(path)).toEqual({ ...base, 'X-Forwarded-Prefix': '/s/a/proxy/3000' });
    expect(said(host)).toEqual(base);
    expect(said(api)).toEqual({});
  });

  it('is never a secret that the path holds', () => {
    expect(said(withSecret)).toEqual(base);
  });

  it('keeps what a proxy before the gateway says', () => {
    const headers = {
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-prefix': '/evil',
    };
    const proxied = { 'X-Forwarded-For': '192.0.2.1, 10.0.0.9', 'X-Forwarded-Proto': 'https' };
    expect(said(host, headers)).toEqual({ ...base, ...proxied });
  });
});
