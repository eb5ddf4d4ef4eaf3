import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandTrial } from '../src/context/trial.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trial-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the trial of a waiting server', () => {
  const env = { PATH: process.env.PATH ?? '' };

  it('passes where commands run', async () => {
    expect(await commandTrial({ workspace: folder, env })()).toBeUndefined();
  });

  it('gives the reason where they do not, and is made again until they do', async () => {
    const workspace = join(folder, 'workspace');
    const trial = commandTrial({ workspace, env });
    expect(await trial()).toContain('ENOENT');
    mkdirSync(workspace);
    expect(await trial()).toBeUndefined();
    rmSync(workspace, { recursive: true });
    expect(await trial()).toBeUndefined();
  });
});
