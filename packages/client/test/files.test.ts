/** Against a gateway and a sandbox: content of any size goes both ways, and commands fail with all that is known. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../../../test/support/gateway.ts';
import { CommandError, type OwnedSandbox, Sandbox } from '../src/index.ts';
import { failureOf } from './failure.ts';

let gateway: Gateway;
let sandbox: OwnedSandbox;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'client-files-'));
  gateway = await startGateway({ PADDOCK_NETWORK: 'none', PADDOCK_WARM_SANDBOXES: '1' });
  sandbox = await Sandbox.create({ baseUrl: gateway.url });
});
afterAll(async () => {
  await sandbox.release();
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('files', () => {
  it('go up and down unchanged, in small chunks', async () => {
    const sizeBytes = 64 * 1024 * 1024;
    const sent = createHash('sha256');
    const source = (async function* () {
      for (let left = sizeBytes; left > 0; left -= 1024 * 1024) {
        const chunk = Buffer.alloc(1024 * 1024, left % 251);
        sent.update(chunk);
        yield chunk;
      }
    })();
    await sandbox.files.upload(source, '/mnt/user-data/workspace/sub/big.bin');
    const received = createHash('sha256');
    await using content = await sandbox.file.download({ path: '/mnt/user-data/workspace/sub/big.bin' });
    expect(content.sizeBytes).toBe(sizeBytes);
    for await (const chunk of content) received.update(chunk);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('of this machine are sent and fetched whole or not at all', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    writeFileSync(join(folder, 'a "name"\n.bin'), bytes);
    await sandbox.files.upload(join(folder, 'a "name"\n.bin'), '/tmp/a.bin');
    await sandbox.files.download('/tmp/a.bin', join(folder, 'b.bin'));
    expect(readFileSync(join(folder, 'b.bin'))).toEqual(bytes);
    expect(await sandbox.files.readBytes('/tmp/a.bin')).toEqual(bytes);
    expect((await failureOf(sandbox.files.download('/tmp/gone', join(folder, 'c')))).code).toBe(
      'file_not_found',
    );
    await expect(sandbox.files.upload(join(folder, 'gone'), '/tmp/gone')).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(existsSync(join(folder, 'c'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('are written from text and bytes and listed', async () => {
    await sandbox.files.write('/tmp/made/é.txt', 'ü');
    await sandbox.files.write('/tmp/made/deep/b', Buffer.from([0, 255]));
    expect(await sandbox.files.read('/tmp/made/é.txt')).toBe('ü');
    expect(await sandbox.files.readBytes('/tmp/made/deep/b')).toEqual(Buffer.from([0, 255]));
    const paths = (await sandbox.files.list('/tmp/made', { recursive: true })).map(({ path }) => path);
    expect(paths.sort()).toEqual(['/tmp/made/deep', '/tmp/made/deep/b', '/tmp/made/é.txt']);
  });

  it('are let go of when the caller has seen enough, and when its signal aborts', async () => {
    const path = '/mnt/user-data/workspace/sub/big.bin';
    await sandbox.run(`mkdir -p ${path.replace(/\/[^/]+$/, '')} && head -c 8000000 /dev/zero > ${path}`);
    for await (const _ of await sandbox.file.download({ path })) break;
    {
      await using _unread = await sandbox.file.download({ path });
    }
    const stop = new AbortController();
    const content = await sandbox.file.download({ path }, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(content.bytes()).rejects.toThrow('enough');
  });
});

describe('run', () => {
  it('gives both outputs of a command in its folder, with its variables', async () => {
    const command = 'echo $A; pwd >&2';
    expect(await sandbox.run(command, { cwd: '/tmp', env: { A: 'x' } })).toEqual({
      ...{ command, exitCode: 0, stdout: 'x\n', stderr: '/tmp\n' },
    });
  });

  it('throws all that is known of a command that failed', async () => {
    const command = 'echo out; echo err >&2; exit 7';
    const error = await failureOf(sandbox.run(command));
    expect(error).toBeInstanceOf(CommandError);
    const known = { code: 'command_failed', command, exitCode: 7, timedOut: false };
    expect(error).toMatchObject({ ...known, stdout: 'out\n', stderr: 'err\n', output: 'out\nerr\n' });
    expect(error.message).toBe(`the command ended with exit code 7: ${command}`);
  });

  it('says when it was the time limit that ended it', async () => {
    const error = await failureOf(sandbox.run('echo 1; sleep 60', { timeoutMs: 300 }));
    expect(error).toMatchObject({ code: 'command_failed', timedOut: true, stdout: '1\n' });
  });
});
