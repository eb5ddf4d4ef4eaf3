import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { LocalEngine } from '../../packages/gateway/src/engines/local/index.ts';
import { describeEngine, type EngineSource } from './contract.ts';

const root = dirname(dirname(import.meta.dirname));

async function localSource(): Promise<EngineSource> {
  const dataDir = await mkdtemp(join(tmpdir(), 'engine-'));
  return {
    open: ({ publicKeys }) =>
      LocalEngine.create({
        config: {
          dataDir,
          skillsPath: join(root, 'skills'),
          network: 'none',
          warmSandboxes: 1,
          memoryLimitMib: 512,
          cpuLimit: 0,
          processLimit: 256,
          softFileFailures: false,
        },
        serverFolder: join(root, 'dist/sandbox'),
        publicKeys,
        log: pino({ level: 'silent' }),
      }),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  };
}

describeEngine('local', localSource);
