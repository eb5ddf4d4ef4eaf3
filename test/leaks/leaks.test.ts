import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { leakReport } from './config.ts';
import { processesNow } from './processes.ts';

const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs');
const config = join(import.meta.dirname, 'fixtures/vitest.config.ts');
const folder = mkdtempSync(join(tmpdir(), 'leaks-'));

afterAll(() => rmSync(folder, { recursive: true }));

describe('the leak check', () => {
  it('passes a run that ends what it starts', async () => {
    const { code, leaks, output } = await runFixtures('nothing');
    expect(output).not.toContain('leave open');
    expect({ code, leaks }).toEqual({ code: 0, leaks: [] });
  });

  it.runIf(process.platform === 'linux')('fails a run that leaves processes and files behind', async () => {
    const { code, leaks } = await runFixtures('process', 'sandboxed', 'file');
    expect(code).toBe(1);
    expect(leaks).toContainEqual(expect.stringMatching(/^process \d+: sleep 1001$/));
    expect(leaks).toContainEqual(expect.stringMatching(/^process \d+: sleep 1002$/));
    expect(leaks).toContainEqual(expect.stringMatching(/^file .*forgotten\.txt$/));
    const isAlive = () =>
      processesNow().some(({ pid }) => leaks.some((leak) => leak.startsWith(`process ${pid}:`)));
    await expect.poll(isAlive, { message: 'the check ends what it has found' }).toBe(false);
  });

  it('fails a test file that leaves timers or sockets open', async () => {
    const { code, output } = await runFixtures('timer', 'socket');
    expect(code).toBe(1);
    expect(output).toContain('leave open: 1 Timeout');
    expect(output).toContain('leave open: 1 PipeWrap');
  });
});

/** Runs fixtures in a vitest of its own. */
async function runFixtures(
  ...fixtures: string[]
): Promise<{ code: number | null; output: string; leaks: string[] }> {
  const report = join(folder, `${fixtures.join()}.json`);
  const child = spawn(process.execPath, [vitest, 'run', '--config', config, ...fixtures], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [leakReport]: report, NO_COLOR: '1' },
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, output: out + err, leaks: JSON.parse(readFileSync(report, 'utf8')) as string[] };
}
