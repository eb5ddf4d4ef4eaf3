import { describe, expect, it } from 'vitest';
import { requestHeaders } from '../src/front/headers.ts';

const passed = (raw: string[], keyed = false) =>
  requestHeaders(raw, { keyed, token: 'TOKEN', isUpgrade: false, forwarded: [], hop: [] });

describe('headers of a request on its way to the sandbox', () => {
  it('carry the token of the gateway and never one of the caller', () => {
    expect(passed(['Host', 'h', 'X-Paddock-Token', 'forged'])).toEqual([
      'Host',
      'h',
      'x-paddock-token',
      'TOKEN',
    ]);
  });

  it('lose what is for one connection only, and what a Connection header names', () => {
    const raw = [
      'Host',
      'h',
      'Connection',
      'keep-alive, X-Mine',
      'X-Mine',
      '1',
      'TE',
      'trailers',
      'Keep-Alive',
      'timeout=5',
    ];
    expect(passed(raw)).toEqual(['Host', 'h', 'x-paddock-token', 'TOKEN']);
  });

  it('keep Host and Content-Length even when a Connection header names them', () => {
    const raw = ['Connection', 'Host, Content-Length', 'Host', 'h', 'Content-Length', '3'];
    expect(passed(raw)).toEqual(['Host', 'h', 'Content-Length', '3', 'x-paddock-token', 'TOKEN']);
  });

  it('lose the key that was meant for the gateway', () => {
    const raw = ['X-API-Key', 'k', 'x-aio-api-key', 'k', 'Authorization', 'Bearer k', 'X-Sandbox-Id', 'a'];
    expect(passed(raw, true)).toEqual(['x-paddock-token', 'TOKEN']);
  });

  it('keep Authorization where no key is asked for: it is for a program in the sandbox', () => {
    expect(passed(['Authorization', 'Bearer x'])).toEqual([
      'Authorization',
      'Bearer x',
      'x-paddock-token',
      'TOKEN',
    ]);
  });
});
