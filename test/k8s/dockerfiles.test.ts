import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '@paddock/protocol';
import { describe, expect, it } from 'vitest';
import { root } from '../support/source.ts';

const dockerfiles = ['sandbox', 'gateway'].map((program) => ({
  program,
  text: readFileSync(join(root, 'docker', program, 'Dockerfile'), 'utf8'),
}));
const shared = (text: string) => text.slice(text.indexOf('ARG BASE='), text.indexOf('COPY LICENSE'));

describe.each(dockerfiles)('the image of the $program', ({ text }) => {
  it('is built on a base of a named day, which a build may replace', () => {
    expect(text).toMatch(/^ARG BASE=\S+:[a-z]+-\d{8}-slim$/m);
    const bases = Array.from(text.matchAll(/^FROM (\S+)/gm), ([, base]) => base);
    const stages = Array.from(text.matchAll(/ AS (\S+)$/gm), ([, stage]) => stage);
    expect(bases.filter((base) => !stages.includes(base))).toEqual(
      bases.filter((base) => base === '${BASE}'),
    );
  });

  it('says its version, and runs as nobody in particular under a first process that reaps', () => {
    expect(text).toContain(`ARG VERSION=${version}\n`);
    expect(text.match(/^USER .*$/gm)?.at(-1)).toBe('USER 1000:1000');
    expect(text).toContain('ENTRYPOINT ["/usr/bin/tini", "--", ');
    expect(text).toContain('write-sbom.ts');
  });
});

describe('the images', () => {
  it('are built by the same steps, which builders then do once', () => {
    const [sandbox = '', gateway = ''] = dockerfiles.map(({ text }) => shared(text));
    expect(sandbox).not.toBe('');
    expect(gateway).toBe(sandbox);
  });
});
