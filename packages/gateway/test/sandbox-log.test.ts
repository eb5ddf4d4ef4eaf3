import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { SandboxLog } from '../src/engines/local/sandbox-log.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

const all = { tailLines: undefined, sinceMs: undefined, follow: false };

async function read(
  log: SandboxLog,
  asked: Partial<Parameters<SandboxLog['read']>[0]> = {},
): Promise<string[]> {
  const { signal } = new AbortController();
  let text = '';
  for await (const some of log.read({ ...all, signal, ...asked })) text += some;
  return text.split('\n').slice(0, -1);
}

describe('the log of a sandbox', () => {
  it('keeps lines for whoever opens it again, the last of them where that is asked for', async () => {
    new SandboxLog(folder).write('life', 'claimed');
    const log = new SandboxLog(folder);
    log.write('server', 'hello');
    expect(await read(log)).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z life claimed$/),
      expect.stringMatching(/Z server hello$/),
    ]);
    expect(await read(log, { tailLines: 1 })).toEqual([expect.stringMatching(/ hello$/)]);
    expect(await read(log, { tailLines: 0 })).toEqual([]);
    expect(await read(log, { sinceMs: Date.now() + 60_000 })).toEqual([]);
    expect(await read(log, { sinceMs: Date.now() - 60_000 })).toHaveLength(2);
  });

  it('keeps no more of a flood than its size, and says how much it left out', async () => {
    const log = new SandboxLog(folder);
    for (let i = 0; i < 20_000; i++) log.write('server', `${i} ${'x'.repeat(5_000)}`);
    await delay(1_000); // What is printed in another second is heard again.
    log.write('server', 'after');
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(600_000);
    const lines = await read(log);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2_100);
    expect(lines.at(-2)).toMatch(/ life \d{5} lines were left out$/);
    expect(lines.at(-1)).toMatch(/ server after$/);
  });

  it('has nothing in a line that moves a terminal or forges another line', async () => {
    const log = new SandboxLog(folder);
    log.write('server', 'a\x1b[2Jb\r\nc\x9bd\te');
    expect(await read(log)).toEqual([expect.stringMatching(/ server a\uFFFD\[2Jb\uFFFD\uFFFDc\uFFFDd\te$/)]);
  });

  it('can be followed, until it is closed or the reader has left', async () => {
    const log = new SandboxLog(folder);
    log.write('life', 'claimed');
    const leaving = new AbortController();
    const readers = [read(log, { follow: true }), read(log, { follow: true, signal: leaving.signal })];
    log.write('server', 'one');
    leaving.abort();
    const left = await readers[1];
    expect(left?.[0]).toMatch(/ claimed$/);
    log.write('server', 'two');
    log[Symbol.dispose]();
    expect((await readers[0])?.map((line) => line.split(' ').slice(1).join(' '))).toEqual([
      'life claimed',
      'server one',
      'server two',
    ]);
  });

  it('goes on where its folder takes no more', async () => {
    const log = new SandboxLog(join(folder, 'gone'));
    log.write('life', 'claimed');
    expect(await read(log)).toEqual([]);
  });
});
