import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandFailed } from './command.ts';
import { buildImage } from './images.ts';

const tag = 'paddock.test/packages:cluster';

describe('an image', () => {
  it('is built from a Dockerfile that installs packages of Debian and PyPI', {
    timeout: 300_000,
  }, async () => {
    await buildImage({ tag, context: join(import.meta.dirname, 'fixtures/packages') });
  });

  it('that cannot be built says which step failed', async () => {
    const build = buildImage({ tag, context: join(import.meta.dirname, 'fixtures/broken') });
    const failure = await build.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandFailed);
    expect(`${failure}`).toContain('false');
  });
});
