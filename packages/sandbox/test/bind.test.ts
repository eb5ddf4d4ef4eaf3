import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BindRequest } from '@paddock/protocol';
import { formatPublicKeys, keyId } from '@paddock/protocol/token';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Identity, TrustedKeys } from '../src/bind/index.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bind-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the identity of a server', () => {
  const request: BindRequest = {
    name: 'a'.repeat(32),
    sandbox_id: 'mine',
    env: { COLOUR: 'red' },
    notice: 'It is new.',
    files: [],
  };
  const file = () => join(folder, 'bind.json');

  it('is kept for the next start where it has a file, and that start says so', () => {
    new Identity(file()).bind(request);
    const again = new Identity(file());
    expect(again).toMatchObject({ isBound: true, env: { COLOUR: 'red' } });
    expect(again.takeNotice()).toContain('was restarted');
    expect(again.takeNotice()).toBeUndefined();
  });

  it("is no sandbox's at each start where it has none", () => {
    new Identity().bind(request);
    expect(new Identity().isBound).toBe(false);
    expect(existsSync(file())).toBe(false);
  });

  it('tells in its first answer what a gateway knows of the restart, once, whoever binds again', () => {
    new Identity(file()).bind(request);
    const again = new Identity(file());
    again.bind({ ...request, notice: 'OOMKilled' });
    expect(again.takeNotice()).toBe('OOMKilled');
    again.bind({ ...request, notice: 'OOMKilled' });
    expect(again.takeNotice()).toBeUndefined();
  });

  it("stays what the first bind said, and takes no other sandbox's", () => {
    const identity = new Identity(file());
    identity.bind(request);
    identity.bind({ ...request, env: { COLOUR: 'blue' } });
    expect(identity.env).toEqual({ COLOUR: 'red' });
    const other = { ...request, name: 'b'.repeat(32) };
    expect(() => identity.bind(other)).toThrow(expect.objectContaining({ code: 'bound_to_another' }));
    expect(() => new Identity(file()).bind(other)).toThrow(
      expect.objectContaining({ code: 'bound_to_another' }),
    );
  });

  it('keeps what it was bound with from other users', () => {
    new Identity(file()).bind(request);
    expect(statSync(file()).mode & 0o077).toBe(0);
  });
});

describe('the keys of gateways', () => {
  const key = () => generateKeyPairSync('ed25519').publicKey;
  const write = (path: string, ...keys: KeyObject[]) => {
    // As the kubelet does it: all at once.
    writeFileSync(`${path}.new`, formatPublicKeys(new Map(keys.map((each) => [keyId(each), each]))));
    renameSync(`${path}.new`, path);
  };

  afterEach(() => vi.useRealTimers());

  it('are read again from their file, and at most once a second', () => {
    vi.useFakeTimers();
    const path = join(folder, 'public.json');
    const [old, next] = [key(), key()];
    write(path, old);
    const trusted = new TrustedKeys({ path });
    write(path, old, next);
    expect(trusted.refresh()).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(trusted.refresh()).toBe(true);
    expect([...trusted.current.keys()]).toEqual([keyId(old), keyId(next)]);
  });

  it('stay what they were while their file cannot be read', () => {
    vi.useFakeTimers();
    const path = join(folder, 'public.json');
    write(path, key());
    const trusted = new TrustedKeys({ path });
    const before = trusted.current;
    rmSync(path);
    vi.advanceTimersByTime(1_000);
    expect(trusted.refresh()).toBe(false);
    expect(trusted.current).toBe(before);
  });
});
