import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rehearse } from '../src/rehearsal.ts';

describe('a rehearsal', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rehearsal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const play = ({ limitBytes = 1024, path = process.env.PATH ?? '' } = {}) => ({
    serve: {
      limitBytes,
      logFault(_id: string, error: unknown) {
        throw error;
      },
    },
    commands: { workspace: '/', env: () => ({ PATH: path }) },
  });

  it('goes as a bind and a command do, and leaves nothing', async () => {
    await rehearse(folder, play());
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says when a bind would fail', async () => {
    await expect(rehearse(folder, play({ limitBytes: 1 }))).rejects.toThrow('body_too_large');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('says when a command would fail', async () => {
    await expect(rehearse(folder, play({ path: '/nowhere' }))).rejects.toThrow('session_failed');
    expect(readdirSync(folder)).toEqual([]);
  });
});
