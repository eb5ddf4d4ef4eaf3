import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LocalEngine } from '../../packages/gateway/src/engines/local/index.ts';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import { GatewayKey } from '../../packages/gateway/src/trust/index.ts';
import { describeEngine } from './contract.ts';
import { type EngineSource, EngineUnderTest } from './engine-under-test.ts';

const root = dirname(dirname(import.meta.dirname));

async function localSource(isolation: 'bubblewrap' | 'none'): Promise<EngineSource> {
  const dataDir = await mkdtemp(join(tmpdir(), 'engine-'));
  return {
    async open() {
      const key = new GatewayKey();
      const engine = await LocalEngine.create({
        config: {
          dataDir,
          skillsPath: join(root, 'skills'),
          isolation,
          network: isolation === 'none' ? 'auto' : 'none',
          warmSandboxes: 1,
          memoryLimitMib: 512,
          cpuLimit: 0,
          processLimit: 256,
          softFileFailures: false,
          mountRoots: [],
          templates: {},
        },
        serverFolder: join(root, 'dist/sandbox'),
        publicKeys: key.publicKeys,
        log: pino({ level: 'silent' }),
      });
      return { engine, key };
    },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  };
}

describe('the local engine', () => {
  it('leaves no control group behind, also of servers that ended by themselves', async () => {
    const before = groups();
    const tested = new EngineUnderTest(await localSource('bubblewrap'));
    await tested.open();
    const claim = { name: sandboxName('tester', 'a'), owner: 'tester', id: 'a' };
    const { server } = await tested.claimAndBind(claim);
    const own = groups().filter((name) => !before.includes(name) && hasServer(name, server.id));
    await expect(tested.run(server, 'kill -9 -1')).rejects.toThrow();
    await server.ended;
    await tested[Symbol.asyncDispose]();
    expect(groups().filter((name) => own.includes(name))).toEqual([]);
  });
});

describeEngine('local', () => localSource('bubblewrap'));
describeEngine('local engine without isolation, which is a local', () => localSource('none'));

const groupRoots = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].filter((root) => existsSync(root));

function groups(): string[] {
  return groupRoots.flatMap((root) => readdirSync(root).filter((name) => name.startsWith('paddock-')));
}

function hasServer(group: string, id: string): boolean {
  return groupRoots.some((root) => existsSync(join(root, group, id)));
}
