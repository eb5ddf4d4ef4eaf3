import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Sandbox } from '@paddock/client';
import type { Gateway } from '../support/gateway.ts';
import { root } from '../support/source.ts';

const liar = readFileSync(join(root, 'test/attacks/programs/liar.cjs'), 'utf8');

/** Runs a command in a sandbox. Gives what it printed, errors too. */
export async function run(gateway: Gateway, id: string, command: string, apiKey?: string): Promise<string> {
  const { stdout, stderr } = await sandboxOf(gateway, id, apiKey).bash.exec({ command });
  return `${stdout}${stderr}`;
}

/** Runs a Python program in a sandbox. */
export function python(gateway: Gateway, id: string, program: string): Promise<string> {
  return run(gateway, id, `/usr/bin/python3 - <<'END'\n${program}\nEND`);
}

/** Has the server of a sandbox taken over by a program of its user: see programs/liar.cjs. */
export async function makeLie(gateway: Gateway, id: string, apiKey?: string): Promise<void> {
  const file = '/mnt/user-data/workspace/liar.cjs';
  await sandboxOf(gateway, id, apiKey).file.write({ file, content: liar });
  const said = await run(gateway, id, '/opt/paddock/bin/node liar.cjs', apiKey);
  if (!said.includes('"type":"undefined"')) throw new Error(`the server could not be taken over: ${said}`);
}

function sandboxOf(gateway: Gateway, id: string, apiKey: string | undefined): Sandbox {
  return new Sandbox({ baseUrl: gateway.url, id, ...(apiKey !== undefined && { apiKey }) });
}
