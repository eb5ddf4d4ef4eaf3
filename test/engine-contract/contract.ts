/**
 * What every engine promises to the gateway. An engine is put under it by a file that says how to make one; nothing
 * here knows what a sandbox is made of.
 */
import { aio } from '@paddock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Claim } from '../../packages/gateway/src/engines/engine.ts';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { GatewayKey } from '../../packages/gateway/src/trust/index.ts';
import { type EngineSource, EngineUnderTest } from './engine-under-test.ts';

const readNote = 'cat note.txt';
const writeNote = 'echo kept > note.txt';

/** Code in a sandbox can end the server: it is among its ancestors. */
const killServer = `p=$PPID
until grep -q main.cjs /proc/$p/cmdline; do p=$(sed -n 's/^PPid:\\t//p' /proc/$p/status); done
kill -9 $p`;

/** In what engines differ, and may. */
export interface Traits {
  /**
   * Whether servers live on when their gateway ends, and are started again by themselves, as the same sandbox's, when they
   * crash. Where not, the next claim starts a new one on the old files.
   */
  readonly keepsServers: boolean;
  /** How many servers wait to be claimed, at most. */
  readonly waiting: number;
}

/** The contract, as cases. */
export function describeEngine(
  name: string,
  createSource: () => Promise<EngineSource>,
  { keepsServers, waiting }: Traits = { keepsServers: false, waiting: 1 },
): void {
  describe(`the ${name} engine`, () => {
    let tested: EngineUnderTest;

    beforeEach(async () => {
      tested = new EngineUnderTest(await createSource());
      await tested.open();
    });

    afterEach(() => tested[Symbol.asyncDispose]());

    describe('start', () => {
      it('is ready afterwards, with a server that answers the probe', async () => {
        const readiness = tested.engine.readiness();
        if (!readiness.ready || !readiness.probe) throw new Error('no server to probe');
        const context = await tested.call(readiness.probe, aio.sandbox.context, {});
        expect(context.home_dir).toMatch(/^\//);
      });

      it('says in words how sandboxes run', () => {
        expect(Object.keys(tested.engine.facts)).toEqual(
          expect.arrayContaining(['engine', 'isolation', 'limits', 'network']),
        );
      });
    });

    describe('claim', () => {
      it('gives a server that serves its sandbox once it is bound', async () => {
        const { server } = await tested.claimAndBind(claimOf('first'));
        await tested.run(server, writeNote);
        expect(await tested.run(server, readNote)).toBe('kept\n');
      });

      it('says whose the sandbox is and since when', async () => {
        const beforeMs = Date.now();
        const claimed = await tested.engine.claim(claimOf('dated'));
        expect(claimed).toMatchObject(claimOf('dated'));
        // Clocks of a cluster differ, and its times are in whole seconds.
        expect(Math.abs(claimed.createdAt.getTime() - beforeMs)).toBeLessThan(60_000);
      });

      it('gives a name that is claimed the server that it has', async () => {
        const first = await tested.engine.claim(claimOf('same'));
        const second = await tested.engine.claim(claimOf('same'));
        expect(second.server.id).toBe(first.server.id);
        expect(second.createdAt).toEqual(first.createdAt);
      });

      it('gives many callers of one name one server', async () => {
        const claims = Array.from({ length: 12 }, () => tested.engine.claim(claimOf('wanted')));
        expect(new Set((await Promise.all(claims)).map(({ server }) => server.id)).size).toBe(1);
        expect(tested.engine.list()).toHaveLength(1);
      });

      it('gives every name a server of its own, also when many are claimed at once', async () => {
        const ids = ['a', 'b', 'c', 'd', 'e'];
        const claimed = await Promise.all(ids.map((id) => tested.engine.claim(claimOf(id))));
        expect(new Set(claimed.map(({ server }) => server.id)).size).toBe(ids.length);
        const listed = tested.engine.list().map(({ id }) => id);
        expect(listed.sort()).toEqual(ids);
      });

      it('keeps owners of one id apart', async () => {
        const [one, other] = await Promise.all([
          tested.claimAndBind(claimOf('shared', 'one')),
          tested.claimAndBind(claimOf('shared', 'other')),
        ]);
        await tested.run(one.server, writeNote);
        expect(await tested.run(other.server, `${readNote} || echo none`)).toBe('none\n');
      });

      it('leaves an engine that goes on serving when no server was waiting', async () => {
        const ids = Array.from({ length: waiting + 2 }, (_, i) => `${i}`);
        await Promise.all(ids.map((id) => tested.engine.claim(claimOf(id))));
        expect(tested.engine.readiness().ready).toBe(true);
      });
    });

    describe('a server', () => {
      it('takes nothing but the probe until it is bound', async () => {
        const { server } = await tested.engine.claim(claimOf('unbound'));
        await tested.call(server, aio.sandbox.context, {});
        await expect(tested.run(server, 'true')).rejects.toMatchObject({ code: 'not_bound' });
      });

      it('refuses a bind signed by another key or made for another server or scope', async () => {
        const claim = claimOf('guarded');
        const { server } = await tested.engine.claim(claim);
        const { server: other } = await tested.engine.claim(claimOf('other'));
        const tokens = {
          'another key': new GatewayKey().token('bind', server.id),
          'another server': tested.key.token('bind', other.id),
          'another scope': tested.key.token('proxy', server.id),
        };
        for (const [reason, token] of Object.entries(tokens)) {
          await expect(tested.bind(server, claim, token), reason).rejects.toMatchObject({
            code: 'token_refused',
          });
        }
        await tested.bind(server, claim);
      });

      it('accepts the same bind again and refuses any other', async () => {
        const claim = claimOf('bound');
        const { server } = await tested.engine.claim(claim);
        const first = await tested.bind(server, claim);
        expect(await tested.bind(server, claim)).toEqual(first);
        await expect(tested.bind(server, claimOf('thief'))).rejects.toMatchObject({
          code: 'bound_to_another',
        });
      });

      it('refuses requests with the token of another sandbox', async () => {
        const { server } = await tested.claimAndBind(claimOf('mine'));
        const { server: other } = await tested.claimAndBind(claimOf('yours'));
        const token = tested.key.token('proxy', other.id);
        const call = tested.call(server, aio.bash.exec, { command: 'true' }, token);
        await expect(call).rejects.toMatchObject({ code: 'token_refused' });
      });
    });

    describe('a server that crashes', () => {
      const crash = async (id: string) => {
        const { server } = await tested.claimAndBind(claimOf(id));
        await tested.run(server, writeNote);
        await expect(tested.run(server, killServer)).rejects.toThrow();
        return { server, reason: await server.ended };
      };

      it('says that it has ended, and why', async () => {
        const { reason } = await crash('crashed');
        expect(reason).toMatch(/\S/);
      });

      it('is listed no more once its end is known, and its sandbox is', async () => {
        const { server } = await crash('listed');
        expect(tested.engine.list()).toMatchObject([claimOf('listed')]);
        expect(tested.engine.list()[0]?.server).not.toBe(server);
        if (!keepsServers) expect(tested.engine.list()[0]?.server).toBeUndefined();
      });

      it('is replaced at the next claim by a new one on the same files', async () => {
        const { server } = await crash('replaced');
        const { server: next } = await tested.engine.claim(claimOf('replaced'));
        expect(next).not.toBe(server);
        if (!keepsServers) {
          expect(next.id).not.toBe(server.id);
          await expect(tested.run(next, 'true')).rejects.toMatchObject({ code: 'not_bound' });
        }
        await tested.bind(next, claimOf('replaced'));
        expect(await tested.run(next, readNote)).toBe('kept\n');
      });

      it('leaves nothing that it started', async () => {
        const { server } = await tested.claimAndBind(claimOf('parent'));
        // It tells that it lives by a file that grows.
        await tested.run(server, 'setsid bash -c "while sleep 0.02; do echo x >> alive; done" & sleep 0.1');
        await expect(tested.run(server, killServer)).rejects.toThrow();
        await server.ended;
        const { server: next } = await tested.claimAndBind(claimOf('parent'));
        expect(
          await tested.run(next, 'a=$(wc -c < alive); sleep 0.3; [ $a = $(wc -c < alive) ]; echo $?'),
        ).toBe('0\n');
      });
    });

    describe('list', () => {
      it('has what is claimed and nothing else', async () => {
        expect(tested.engine.list()).toEqual([]);
        const { server } = await tested.engine.claim(claimOf('one'));
        const [listed, ...rest] = tested.engine.list();
        expect(rest).toEqual([]);
        expect(listed).toMatchObject({ ...claimOf('one'), server: { id: server.id } });
      });

      it('never shows a server that has ended', async () => {
        const { server } = await tested.engine.claim(claimOf('gone'));
        await tested.engine.release(claimOf('gone').name);
        await server.ended;
        expect(tested.engine.list()).toEqual([]);
      });
    });

    describe('what is kept with a sandbox', () => {
      const notes = { metadata: { team: 'red' }, idleSeconds: 60, expiry: { atMs: 5_000, setMs: 1_000 } };

      it('is what its claim said, and stays so whatever later claims say', async () => {
        const claim = { ...claimOf('noted'), notes };
        await tested.engine.claim(claim);
        await tested.engine.claim({ ...claim, notes: { metadata: { team: 'blue' } } });
        expect(tested.engine.list()).toMatchObject([{ ...claimOf('noted'), notes }]);
      });

      it('can be replaced, and is what a restart finds', async () => {
        const { name: noted } = claimOf('noted');
        await tested.engine.claim({ ...claimOf('noted'), notes });
        const later = { lastUsedMs: 7_000 };
        await tested.engine.annotate(noted, later);
        expect(tested.engine.list()[0]?.notes).toEqual(later);
        await tested.reopen();
        expect(tested.engine.list()[0]?.notes).toEqual(later);
        await tested.engine.annotate(claimOf('nobody').name, later);
      });

      it('ends with it', async () => {
        await tested.engine.claim({ ...claimOf('noted'), notes });
        await tested.engine.release(claimOf('noted').name);
        await tested.engine.claim(claimOf('noted'));
        expect(tested.engine.list()[0]?.notes).toBeUndefined();
      });
    });

    describe('mounts that the configuration does not allow', () => {
      const mounts = [{ hostPath: '/etc', containerPath: '/mnt/acp-workspace', readOnly: true }];

      it('are left out and named, also after a restart, and the sandbox serves', async () => {
        const claim = { ...claimOf('mounting'), mounts };
        const { warnings } = await tested.claimAndBind(claim);
        expect(warnings).toEqual([expect.stringContaining('/mnt/acp-workspace')]);
        await tested.reopen();
        const again = await tested.claimAndBind(claim);
        expect(again.warnings).toEqual(warnings);
        expect(await tested.run(again.server, 'ls /mnt/acp-workspace 2>/dev/null || echo none')).toBe(
          'none\n',
        );
      });
    });

    describe('the log of a sandbox', () => {
      it('tells what became of it, across crashes and restarts', async () => {
        const claim = claimOf('logged');
        const { server } = await tested.claimAndBind(claim);
        await expect(tested.run(server, killServer)).rejects.toThrow();
        await server.ended;
        await tested.reopen();
        const again = await tested.claimAndBind(claim);
        const log = await tested.log(claim.name);
        expect(log).toContain(server.id);
        expect(log).toContain(again.server.id);
        expect(log.trimEnd().split('\n')).toEqual(log.match(/^\d{4}-\S+Z (life|server) .+$/gm));
      });

      it('is empty for a name that is not there', async () => {
        expect(await tested.log(claimOf('nobody').name)).toBe('');
      });

      it('can be followed until the release', async () => {
        const claim = claimOf('followed');
        await tested.engine.claim(claim);
        const following = tested.log(claim.name, { follow: true });
        await tested.engine.release(claim.name);
        expect(await following).toMatch(/ life .*release/);
      });
    });

    describe('release', () => {
      it('ends the server and deletes the files', async () => {
        const claim = claimOf('released');
        const { server } = await tested.claimAndBind(claim);
        await tested.run(server, writeNote);
        await tested.engine.release(claim.name);
        expect(tested.engine.list()).toEqual([]);
        await server.ended;

        const again = await tested.claimAndBind(claim);
        expect(again.server.id).not.toBe(server.id);
        expect(await tested.run(again.server, `${readNote} 2>&1 || true`)).toContain('No such file');
      });

      it('is no error for what is not there', async () => {
        await tested.engine.release(claimOf('nobody').name);
      });

      it('can be asked for twice at once, and is done when either says so', async () => {
        const claim = claimOf('twice');
        const { server } = await tested.engine.claim(claim);
        let hasEnded = false;
        void server.ended.then(() => {
          hasEnded = true;
        });
        const releases = [tested.engine.release(claim.name), tested.engine.release(claim.name)];
        await Promise.race(releases);
        expect(hasEnded).toBe(true);
        expect(tested.engine.list()).toEqual([]);
        await Promise.all(releases);
      });

      it('ends a sandbox whose claim has only begun', async () => {
        const claim = claimOf('early');
        const claiming = tested.engine.claim(claim);
        await tested.engine.release(claim.name);
        expect(tested.engine.list()).toEqual([]);
        const { server } = await claiming;
        await server.ended;
      });

      it('leaves the name to a new sandbox that is claimed meanwhile', async () => {
        const claim = claimOf('reborn');
        const { server: old } = await tested.claimAndBind(claim);
        await tested.run(old, writeNote);
        const [, { server }] = await Promise.all([
          tested.engine.release(claim.name),
          tested.engine.claim(claim),
        ]);
        expect(server.id).not.toBe(old.id);
        await tested.bind(server, claim);
        expect(await tested.run(server, `${readNote} || echo none`)).toBe('none\n');
      });
    });

    describe('a restart of the gateway', () => {
      const itUnlessKept = keepsServers ? () => {} : it;
      itUnlessKept('ends every server, claimed or not', async () => {
        const readiness = tested.engine.readiness();
        const { server } = await tested.engine.claim(claimOf('ended'));
        await tested.close();
        await server.ended;
        if (readiness.ready) await readiness.probe?.ended;
      });

      const itIfKept = keepsServers ? it : () => {};
      itIfKept('ends no server that was claimed', async () => {
        const { server } = await tested.claimAndBind(claimOf('kept'));
        await tested.run(server, 'export KEPT=yes; echo yes > /tmp/kept');
        await tested.reopen();
        const again = await tested.engine.claim(claimOf('kept'));
        expect(again).toMatchObject({ adopted: true, server: { id: server.id } });
        expect(await tested.run(again.server, 'cat /tmp/kept')).toBe('yes\n');
      });

      it('finds claimed sandboxes as they were, and nothing else', async () => {
        const { createdAt, server } = await tested.claimAndBind(claimOf('found'));
        await tested.reopen();
        const found = {
          ...claimOf('found'),
          createdAt,
          server: keepsServers ? { id: server.id } : undefined,
        };
        expect(tested.engine.list()).toMatchObject([found]);
      });

      it('gives a server on the old files', async () => {
        const claim = claimOf('survivor');
        const { server } = await tested.claimAndBind(claim);
        await tested.run(server, writeNote);
        await tested.reopen();
        const again = await tested.claimAndBind(claim);
        expect(again.server.id === server.id).toBe(keepsServers);
        expect(await tested.run(again.server, readNote)).toBe('kept\n');
      });

      it('can be followed by a release without a claim', async () => {
        const claim = claimOf('orphan');
        const { server } = await tested.claimAndBind(claim);
        await tested.run(server, writeNote);
        await tested.reopen();
        await tested.engine.release(claim.name);
        expect(tested.engine.list()).toEqual([]);
        const again = await tested.claimAndBind(claim);
        expect(await tested.run(again.server, `${readNote} || echo none`)).toBe('none\n');
      });

      it('waits for claims that have begun, and refuses later ones', async () => {
        const { engine } = tested;
        const early = engine.claim(claimOf('early'));
        const closing = tested.close();
        await expect(engine.claim(claimOf('late'))).rejects.toMatchObject({ code: 'sandbox_failed' });
        await closing;
        const { server } = await early;
        if (!keepsServers) await server.ended;
        await tested.open();
        expect(tested.engine.list().map(({ id }) => id)).toEqual(['early']);
      });
    });
  });
}

function claimOf(id: string, owner = 'tester'): Claim {
  return { name: sandboxName(owner, id), owner, id };
}
