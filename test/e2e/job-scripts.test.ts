/** The job of job.test.ts by hand: scripts that a person can read and run, with nothing but curl, and nothing but the command line. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';

const root = join(import.meta.dirname, '../..');

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ PADDOCK_NETWORK: 'none' });
});
afterAll(() => gateway[Symbol.asyncDispose]());

describe('two conversations at once', () => {
  it.each([
    ['curl', 'job-curl.sh', []],
    ['the command line', 'job-cli.sh', [join(root, 'paddock')]],
  ])('do their job, each alone, with only %s', { timeout: 120_000 }, async (_, script, args) => {
    const { PATH, HOME, TMPDIR, LEAK_CHECK_RUN } = process.env;
    const env = { PATH, HOME, TMPDIR, LEAK_CHECK_RUN, PADDOCK_URL: gateway.url };
    const done = await promisify(execFile)('sh', [join(import.meta.dirname, script), ...args], { env });
    expect(done).toEqual({ stdout: 'done\n', stderr: '' });
  });
});
