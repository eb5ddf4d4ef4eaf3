import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startEphemeralGateway } from '../src/gateway/ephemeral.ts';
import { fixtureGateway } from './built.ts';

const never = new AbortController().signal;
const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith('paddock-run-'));

afterEach(() => vi.unstubAllEnvs());

describe('a gateway for one run', () => {
  it('serves on a port of its own and is gone with its files at the end of its scope', async () => {
    const before = leftovers();
    let url: string;
    {
      await using gateway = await startEphemeralGateway(never, fixtureGateway);
      url = gateway.baseUrl;
      expect(gateway.apiKey).toHaveLength(32);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect(leftovers()).toHaveLength(before.length + 1);
    }
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed');
    expect(leftovers()).toEqual(before);
  });

  it.each([
    ['broken config', 'port is "x"', 'Correct port.'],
    ['exit 7', 'the gateway ended with exit code 7', 'paddock serve'],
    ['crash', 'the gateway ended with exit code 1', 'paddock serve'],
  ])('that does not start says so in its own words: %s', async (fault, message, hint) => {
    const before = leftovers();
    vi.stubEnv('FIXTURE', fault);
    await expect(startEphemeralGateway(never, fixtureGateway)).rejects.toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    expect(leftovers()).toEqual(before);
  });

  it('is not waited for once the run is interrupted', async () => {
    const before = leftovers();
    vi.stubEnv('FIXTURE', 'never ready');
    const stop = new AbortController();
    const reason = new Error('interrupted');
    const started = startEphemeralGateway(stop.signal, fixtureGateway);
    stop.abort(reason);
    await expect(started).rejects.toBe(reason);
    expect(leftovers()).toEqual(before);
  });
});
