/** Named kinds of sandboxes, each with a pool and settings of its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Place } from './provisioner.support.ts';

describe('a template', () => {
  const templates = (from: object) => JSON.stringify(from);
  const place = new Place({
    PADDOCK_TEMPLATES: templates({
      research: {
        warmSandboxes: 1,
        env: { TEAM: 'research' },
        skillsPath: '$PLACE/skills',
        processLimit: 200,
      },
      plain: {},
    }),
  });
  const create = (sandbox_id: string, template?: string) =>
    place.client.sandboxes.create({ sandbox_id, ...(template !== undefined && { template }) });

  beforeAll(async () => {
    mkdirSync(place.path('skills'));
    writeFileSync(place.path('skills/only-here'), '');
    await place.start();
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it('gives its sandboxes what it says, and the others what they had', async () => {
    expect(await create('one', 'research')).toMatchObject({ template: 'research', status: 'Running' });
    expect(await create('two')).not.toHaveProperty('template');
    const command = 'echo "$TEAM $SANDBOX_ID"; ls /mnt/skills | grep only-here';
    expect(await place.run('one', command)).toBe('research one\nonly-here\n');
    expect(await place.run('two', command)).toBe(' two\n');
    expect((await place.client.sandboxes.list({ template: 'research' })).sandboxes).toMatchObject([
      { sandbox_id: 'one', template: 'research' },
    ]);
  });

  it('that is not known is refused, and the answer names those that are', async () => {
    await expect(create('three', 'reserch')).rejects.toMatchObject({
      status: 422,
      code: 'template_unknown',
      hint: expect.stringMatching(/plain, research/),
    });
    expect((await place.client.sandboxes.list({ thread_id: 'three' })).count).toBe(0);
  });

  it('stays that of a sandbox that exists, which says so', async () => {
    await create('four', 'plain');
    expect((await create('four', 'research')).warnings).toEqual([
      'The sandbox exists already and keeps its template: plain.',
    ]);
    expect((await create('four')).warnings).toBeUndefined();
  });

  it('holds after a restart, and a sandbox outlives its template', async () => {
    await place.restart();
    expect(await place.run('one', 'echo $TEAM; ls /mnt/skills')).toBe('research\nonly-here\n');
    await place.restart({ PADDOCK_TEMPLATES: '' });
    expect(await place.run('one', 'echo "<$TEAM>"')).toBe('<>\n');
    expect((await create('one', undefined)).warnings).toEqual([expect.stringMatching(/research is gone/)]);
  });

  it('with a setting that templates do not have stops the gateway with the one that was meant', async () => {
    await place.stop();
    const wrong = { PADDOCK_TEMPLATES: templates({ big: { memoryLimit: 1 } }) };
    await expect(place.start(wrong)).rejects.toThrow(/big has a setting "memoryLimit".*memoryLimitMib/s);
  });
});
