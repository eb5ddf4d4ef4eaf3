/** The guide's options of setup.sh: skills, images, namespaces. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onFirstUse } from '@paddock/protocol/operation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, run as runToSuccess } from '../../cluster/command.ts';
import { sandboxImage } from '../../cluster/paddock-images.ts';
import { pushImageOf } from '../own-image.ts';
import { startBackend } from './backend.ts';
import { rowsOf } from './listing.ts';
import { openPlace, type Place, placeTimeoutMs } from './place.ts';
import { type Reader, startReading } from './reader.ts';

let place: Place;
let reader: Reader;
const backend = onFirstUse(() => startBackend(place, reader, sandboxImage));
let imagesPushed: Promise<void>;

beforeAll(async () => {
  place = await openPlace(`guide-options-${process.pid}`);
  reader = startReading('options', place);
  imagesPushed = pushOwnImages();
  // It is waited for where it is needed.
  imagesPushed.catch(() => {});
}, placeTimeoutMs);

afterAll(async () => {
  await imagesPushed?.catch(() => {});
  reader?.[Symbol.dispose]();
  await place?.[Symbol.asyncDispose]();
});

const skillsPath = 'Advanced Configuration / Custom Skills Path';
const sandboxImages = 'Advanced Configuration / Custom Sandbox Image';

describe('Advanced Configuration', { timeout: 180_000 }, () => {
  it('Custom Skills Path: by argument', async () => {
    const folder = skillsOf('flag');
    const command = './setup.sh --skills-path /custom/path/to/skills';
    await reader.run(skillsPath, command, { with: { '/custom/path/to/skills': folder } });
    expect(await seenBy('first')).toMatchObject({ skills: 'flag', hasPackage: false });
  });

  it('Custom Sandbox Image: by argument, seen behind base_url', async (context) => {
    if (!place.own) context.skip('no registry of this cluster is known');
    await imagesPushed;
    const command = './setup.sh --image your-registry/sandbox:tag';
    const { stderr } = await reader.run(sandboxImages, command);
    expect(stderr).toContain('new sandboxes run your-registry/sandbox:tag from now on');
    await expectImage('your-registry/sandbox:tag');
    // Without a word about them the skills are those of the repository.
    expect(await seenBy()).toMatchObject({ skills: '', hasPackage: true });
  });

  it('Custom Skills Path: by variable', async () => {
    const folder = skillsOf('variable');
    const command = 'SKILLS_PATH=/custom/path/to/skills ./setup.sh';
    await reader.run(skillsPath, command, { with: { '/custom/path/to/skills': folder } });
    expect(await seenBy()).toMatchObject({ skills: 'variable', hasPackage: false });
  });

  it('Custom Sandbox Image: by variable', async (context) => {
    if (!place.own) context.skip('no registry of this cluster is known');
    await reader.run(sandboxImages, 'SANDBOX_IMAGE=your-registry/sandbox:tag ./setup.sh');
    await expectImage('your-registry/sandbox:tag');
    expect(await seenBy()).toMatchObject({ hasPackage: true });
  });

  it('Skip Image Pull: takes the image as the node has it', async () => {
    const { stderr } = await reader.run('Advanced Configuration / Skip Image Pull', './setup.sh --skip-pull');
    expect(stderr).toContain('✓ the nodes have them');
    expect(await seenBy()).toMatchObject({ hasPackage: false });
  });

  it('Combined Options: all of them hold, and an image that is not there yet is waited for', async (context) => {
    if (!place.own) context.skip('no registry of this cluster is known');
    const folder = skillsOf('combined');
    const command = './setup.sh --skip-pull --skills-path /custom/skills --image custom/sandbox:latest';
    const { stderr } = await reader.run('Advanced Configuration / Combined Options', command, {
      with: { '/custom/skills': folder },
    });
    expect(stderr).toContain('the nodes do not have custom/sandbox:latest yet');
    await expectImage('custom/sandbox:latest');
    expect(await seenBy()).toMatchObject({ skills: 'combined', hasPackage: true });
  });

  it('conversations of before go on in the sandboxes that they have', async () => {
    expect(await seenBy('first')).toMatchObject({ skills: 'flag', hasPackage: false });
  });
});

describe('another namespace', { timeout: 240_000 }, () => {
  const namespace = 'guide-beside';
  const baseUrl = `http://deer-flow-sandbox.${namespace}.svc.cluster.local:8080`;
  // There is one of this id in either.
  const beside = { id: 'first', baseUrl };

  it('stands beside the first, and neither sees the other', async () => {
    const { run } = await backend();
    await setup('--namespace', namespace);
    expect(await run('cat /mnt/skills/NAME 2>/dev/null || echo none', beside)).toBe('none');
    expect(await seenBy('first')).toMatchObject({ skills: 'flag' });
    for (const name of ['deer-flow', namespace]) {
      const sandboxes = rowsOf(await place.kubectl('get', 'sandboxes', `--namespace=${name}`));
      expect(sandboxes).toMatchObject([{ ID: 'first' }]);
    }
    const pod = await run('hostname -i', beside);
    const urls = `http://${pod}:8080/v1/sandbox ${baseUrl}/v1/sandbox`;
    const seen = await run(`curl -sS -m 3 ${urls} 2>&1 || echo refused`, { id: 'first' });
    expect(seen).toMatch(/refused$/);
    expect(seen).not.toContain('success');
  });

  it('is cleaned up alone', async () => {
    const { stderr } = await setup('--cleanup', '--crd', '--namespace', namespace);
    expect(stderr).toContain('the definition of sandboxes stays');
    expect(await place.kubectl('get', 'namespaces', namespace, '--ignore-not-found')).toBe('');
    expect(await seenBy('first')).toMatchObject({ skills: 'flag' });
  });
});

describe('the guide', () => {
  it('has no command in these sections that was not run', (context) => {
    if (!place.own) context.skip('no registry of this cluster is known');
    expect(reader.missed()).toEqual([]);
  });
});

/** Runs setup.sh with arguments that no command of the guide has. */
function setup(...args: readonly string[]): Promise<Finished> {
  const cwd = join(reader.checkout, 'docker/k8s');
  return runToSuccess(['./setup.sh', ...args], { cwd, env: place.env, timeoutMs: 240_000 });
}

/** A folder with a skill that says so. */
function skillsOf(name: string): string {
  const folder = reader.folder(name);
  writeFileSync(join(folder, 'NAME'), name);
  return folder;
}

/** What a conversation finds in its sandbox; without an id a new one, which ends with that. */
async function seenBy(id?: string): Promise<{ skills: string; hasPackage: boolean }> {
  const { run, end } = await backend();
  const look = `echo "$(cat /mnt/skills/NAME 2>/dev/null)"; command -v ${smallPackage} || true`;
  const [skills = '', program] = (await run(look, { id: id ?? 'new' })).split('\n');
  if (id === undefined) await end('new');
  return { skills, hasPackage: program !== undefined };
}

async function expectImage(image: string): Promise<void> {
  const images = 'jsonpath={.items[*].spec.containers[0].image}';
  const waiting = 'app=deer-flow-sandbox,!paddock.dev/sandbox';
  const found = await place.kubectl('get', 'pods', '--namespace=deer-flow', '-l', waiting, '-o', images);
  expect(new Set(found.split(' '))).toEqual(new Set([image]));
}

/** In place of the guide's example, which is large. */
const smallPackage = 'bc';

/** Builds the image of the guide, and pushes it under the names that its commands have. */
async function pushOwnImages(): Promise<void> {
  if (!place.own) return;
  const dockerfile = reader.shown(sandboxImages, 'dockerfile');
  if (!dockerfile.includes('ffmpeg'))
    throw new Error(`the guide's image has another example:\n${dockerfile}`);
  for (const name of ['your-registry/sandbox:tag', 'custom/sandbox:latest'])
    await pushImageOf(place.own, name, dockerfile.replaceAll('ffmpeg', smallPackage));
}
