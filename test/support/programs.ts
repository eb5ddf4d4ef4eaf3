import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from '@paddock/client';
import { expect, vi } from 'vitest';
import { sandboxName } from '../../packages/gateway/src/fleet/name.ts';
import type { Gateway } from './gateway.ts';
import { root } from './source.ts';

const program = readFileSync(join(root, 'test/e2e/programs/program.cjs'), 'utf8');

/** The port of the program that every sandbox here runs. */
const programPort = 3000;

/** Makes a sandbox in which the program runs, and waits until it answers. */
export async function startProgram(gateway: Gateway, id: string, apiKey?: string): Promise<Sandbox> {
  const sandbox = new Sandbox({ baseUrl: gateway.url, id, ...(apiKey !== undefined && { apiKey }) });
  await sandbox.file.write({ file: '/mnt/user-data/workspace/program.cjs', content: program });
  await sandbox.file.write({ file: '/mnt/user-data/workspace/whose', content: `${id}'s own` });
  await startCommand(sandbox, `node program.cjs ${programPort}`);
  const headers = { 'x-sandbox-id': id, ...(apiKey !== undefined && { 'x-api-key': apiKey }) };
  const ask = () => gateway.connection.send('GET', `/proxy/${programPort}/`, undefined, headers);
  await vi.waitFor(async () => expect((await ask()).status).toBe(200), { timeout: 10_000 });
  return sandbox;
}

/** Starts a command that goes on. */
export async function startCommand(sandbox: Sandbox, command: string): Promise<void> {
  await sandbox.bash.exec({ command, async_mode: true });
}

/** The host of a program, as a browser names it. */
export function programHost(gateway: Gateway, id: string, port = programPort, owner = 'owner'): string {
  return `${port}-${sandboxName(owner, id)}.localhost:${new URL(gateway.url).port}`;
}
