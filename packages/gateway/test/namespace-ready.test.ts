import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { usersOf } from '../src/engines/local/namespace-ready.ts';

const isLinux = process.platform === 'linux';

describe.skipIf(!isLinux)('usersOf', () => {
  it('waits for the users of a namespace whose process bubblewrap has only told of', async () => {
    for (let i = 0; i < 20; i++) {
      await using bubblewrap = await startBubblewrap();
      await usersOf(bubblewrap.pid);
      expect(readFileSync(`/proc/${bubblewrap.pid}/uid_map`, 'utf8')).toMatch(/^ +0 /);
    }
  });
});

/** As the engine starts it where the gateway is not root: its first process waits to be let go. */
async function startBubblewrap() {
  const options = ['--unshare-all', '--uid', '0', '--gid', '0', '--ro-bind', '/', '/', '--dev', '/dev'];
  const child = spawn('bwrap', [...options, '--info-fd', '3', '--block-fd', '4', 'true'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [, , , info, block] = child.stdio as unknown as [null, null, null, Readable, Writable];
  const { 'child-pid': pid }: { 'child-pid': number } = JSON.parse(await text(info));
  return {
    pid,
    async [Symbol.asyncDispose]() {
      block.end('g');
      await ended;
    },
  };
}
