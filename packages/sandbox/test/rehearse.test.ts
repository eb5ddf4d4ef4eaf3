import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rehearseBind } from '../src/bind/index.ts';

describe('the rehearsal of a bind', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rehearsal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const options = {
    limitBytes: 1024,
    logFault(_id: string, error: unknown) {
      throw error;
    },
  };

  it('goes as a bind does, and leaves nothing', async () => {
    await rehearseBind(folder, options);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says when a bind would fail', async () => {
    await expect(rehearseBind(folder, { ...options, limitBytes: 1 })).rejects.toThrow('body_too_large');
    expect(readdirSync(folder)).toEqual([]);
  });
});
