import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Mounts } from '../src/engines/local/mounts.ts';

describe('a mount', () => {
  // Not below /tmp: sandboxes have one of their own, where nothing is mounted.
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync('/var/tmp/paddock-mounts-');
    for (const name of ['root/work', 'elsewhere', 'data']) mkdirSync(join(folder, name), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** This process stands for the sandbox: it sees the folder at the same path. */
  const admit = (name: string) =>
    Mounts.admit([{ hostPath: join(folder, name), containerPath: join(folder, name), readOnly: false }], {
      roots: [join(folder, 'root')],
      dataDir: join(folder, 'data'),
    });

  it('is used when the sandbox sees what was checked', () => {
    using mounts = admit('root/work');
    expect(mounts.admitted).toMatchObject([{ source: join(folder, 'root/work') }]);
    mounts.check(process.pid);
  });

  it.each([
    ['a link to elsewhere', (path: string) => symlinkSync(join(folder, 'elsewhere'), path)],
    ['another folder', (path: string) => mkdirSync(path)],
  ])('is not used when %s took the place of what was checked', (_, replace) => {
    using mounts = admit('root/work');
    renameSync(join(folder, 'root/work'), join(folder, 'root/moved'));
    replace(join(folder, 'root/work'));
    expect(() => mounts.check(process.pid)).toThrow(/changed meanwhile/);
  });

  it('is not used when nothing is there any more', () => {
    using mounts = admit('root/work');
    rmSync(join(folder, 'root/work'), { recursive: true });
    expect(() => mounts.check(process.pid)).toThrow();
  });

  it('is left out where its root is only the beginning of its name', () => {
    mkdirSync(join(folder, 'root-and-more'));
    using mounts = admit('root-and-more');
    expect(mounts.admitted).toEqual([]);
    expect(mounts.leftOut).toEqual([expect.stringContaining('mountRoots')]);
  });
});
