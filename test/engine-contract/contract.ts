/**
 * What every engine promises to the gateway. An engine is put under it by a file that says how to make one.
 */
import { Agent } from 'node:http';
import { aio, control, type Operation, type RequestOf } from '@paddock/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Claim, Engine, Server } from '../../packages/gateway/src/engines/engine.ts';
import { callServer } from '../../packages/gateway/src/fleet/index.ts';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { GatewayKey } from '../../packages/gateway/src/trust/index.ts';

/** Where engines come from: each call of `open` is a new process of a gateway on the same storage. */
export interface EngineSource extends AsyncDisposable {
  open(key: GatewayKey): Promise<Engine>;
}

const note = { file: '/mnt/user-data/workspace/note.txt', content: 'kept\n' };

/** The contract, as cases. */
export function describeEngine(name: string, createSource: () => Promise<EngineSource>): void {
  describe(`the ${name} engine`, () => {
    let source: EngineSource;
    let engine: Engine;
    let key: GatewayKey;
    const agents = new Set<Agent>();

    const open = async () => {
      key = new GatewayKey();
      engine = await source.open(key);
      await engine.start();
    };

    beforeEach(async () => {
      source = await createSource();
      await open();
    });

    afterEach(async () => {
      for (const agent of agents) agent.destroy();
      agents.clear();
      await engine[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    });

    const call = async <Op extends Operation>(
      server: Server,
      row: Op,
      body: RequestOf<Op>,
      token?: string,
    ) => {
      const agent = new Agent();
      agents.add(agent);
      const signal = AbortSignal.timeout(10_000);
      return callServer({ server, agent, row, body, signal, ...(token !== undefined && { token }) });
    };
    const bind = (server: Server, claim: Claim, token = key.token('bind', server.id)) =>
      call(
        server,
        control.server.bind,
        { name: claim.name, sandbox_id: claim.id, env: {}, files: [] },
        token,
      );
    const use = <Op extends Operation>(server: Server, row: Op, body: RequestOf<Op>) =>
      call(server, row, body, key.token('proxy', server.id));

    it('is ready once it has started, with a server that answers the probe', async () => {
      const readiness = engine.readiness();
      expect(readiness.ready).toBe(true);
      if (!readiness.ready || !readiness.probe) throw new Error('no server to probe');
      const context = await call(readiness.probe, aio.sandbox.context, {});
      expect(context.home_dir).toMatch(/^\//);
    });

    it('gives a claim a server that serves its sandbox once it is bound', async () => {
      const claim = claimOf('first');
      const { server } = await engine.claim(claim);
      await bind(server, claim);
      await use(server, aio.file.write, note);
      expect((await use(server, aio.file.read, note)).content).toBe(note.content);
    });

    it('gives a name that is claimed the server that it has', async () => {
      const first = await engine.claim(claimOf('same'));
      const second = await engine.claim(claimOf('same'));
      expect(second.server.id).toBe(first.server.id);
    });

    it('gives every name a server of its own, also when many are claimed at once', async () => {
      const claimed = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => engine.claim(claimOf(id))));
      expect(new Set(claimed.map(({ server }) => server.id)).size).toBe(5);
      expect(
        engine
          .list()
          .map(({ id }) => id)
          .sort(),
      ).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('lists what is claimed and nothing else', async () => {
      expect(engine.list()).toEqual([]);
      const { server } = await engine.claim(claimOf('one'));
      const [listed, ...rest] = engine.list();
      expect(rest).toEqual([]);
      expect(listed).toMatchObject({ ...claimOf('one'), server: { id: server.id } });
    });

    it('starts servers that take nothing but the probe until they are bound', async () => {
      const { server } = await engine.claim(claimOf('unbound'));
      await expect(use(server, aio.file.read, note)).rejects.toMatchObject({ code: 'not_bound' });
    });

    it('starts servers that refuse a bind signed by another key or made for another server or scope', async () => {
      const claim = claimOf('guarded');
      const { server } = await engine.claim(claim);
      const { server: other } = await engine.claim(claimOf('other'));
      const tokens = {
        'another key': new GatewayKey().token('bind', server.id),
        'another server': key.token('bind', other.id),
        'another scope': key.token('proxy', server.id),
      };
      for (const [reason, token] of Object.entries(tokens)) {
        await expect(bind(server, claim, token), reason).rejects.toMatchObject({ code: 'token_refused' });
      }
      await bind(server, claim);
    });

    it('starts servers that accept the same bind again and refuse any other', async () => {
      const claim = claimOf('bound');
      const { server } = await engine.claim(claim);
      const first = await bind(server, claim);
      expect(await bind(server, claim)).toEqual(first);
      await expect(bind(server, claimOf('thief'))).rejects.toMatchObject({ code: 'bound_to_another' });
    });

    it('ends the server of a released sandbox and deletes its files', async () => {
      const claim = claimOf('released');
      const { server } = await engine.claim(claim);
      await bind(server, claim);
      await use(server, aio.file.write, note);
      await engine.release(claim.name);
      expect(engine.list()).toEqual([]);
      await server.ended;

      const again = await engine.claim(claim);
      await bind(again.server, claim);
      await expect(use(again.server, aio.file.read, note)).rejects.toMatchObject({ code: 'file_not_found' });
    });

    it('releases what is not there without an error', async () => {
      await engine.release(claimOf('nobody').name);
      const claim = claimOf('twice');
      await engine.claim(claim);
      await Promise.all([engine.release(claim.name), engine.release(claim.name)]);
      expect(engine.list()).toEqual([]);
    });

    it('keeps the files of claimed sandboxes when the gateway ends, and starts a new server on them', async () => {
      const claim = claimOf('survivor');
      const { server } = await engine.claim(claim);
      await bind(server, claim);
      await use(server, aio.file.write, note);
      await engine[Symbol.asyncDispose]();
      await server.ended;

      await open();
      expect(engine.list()).toMatchObject([{ ...claim, server: undefined }]);
      const again = await engine.claim(claim);
      expect(again.server.id).not.toBe(server.id);
      await bind(again.server, claim);
      expect((await use(again.server, aio.file.read, note)).content).toBe(note.content);
    });
  });
}

function claimOf(id: string): Claim {
  return { name: sandboxName('tester', id), owner: 'tester', id };
}
