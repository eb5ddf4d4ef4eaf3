/** `paddock run`, whose sandbox comes from the warm pool. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Gateway, startGateway } from '../../test/support/gateway.ts';
import { untilIdle } from '../idle.ts';
import { type Contest, type Row, timed } from '../row.ts';
import { claimQuietMs } from './claim.ts';

const program = join(import.meta.dirname, '../../dist/cli/main.cjs');

export const commandLineRows: readonly Row[] = [
  { name: 'paddock run -- true', unit: 'ms', runs: 16, block: 1, target: 2, prepare },
];

async function prepare(): Promise<Contest> {
  const gateway = await startGateway({ PADDOCK_WARM_SANDBOXES: '2' });
  return {
    ours: () => timeRested(gateway, () => node(gateway, [program, 'run', '--', 'true'])),
    baseline: () => timeRested(gateway, () => startAndClaim(gateway)),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

/** With a full pool at rest. */
async function timeRested({ child }: Gateway, work: () => Promise<void>): Promise<number> {
  await untilIdle(child.pid, claimQuietMs);
  return await timed(work);
}

/** A start of Node that does nothing, and then a claim. */
async function startAndClaim(gateway: Gateway): Promise<void> {
  await node(gateway, ['--eval', '']);
  await gateway.connection.call('POST', '/api/sandboxes', { sandbox_id: randomUUID() });
}

async function node({ url }: Gateway, args: readonly string[]): Promise<void> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, PADDOCK_URL: url };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}`);
}
