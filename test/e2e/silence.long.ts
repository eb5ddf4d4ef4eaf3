/** No time limit between client and command ends one that says nothing: five minutes is where common HTTP clients give up. */
import { Sandbox } from '@paddock/client';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';

const silentSeconds = 310;
const timeout = (silentSeconds + 30) * 1000;

describe('a command that is silent for more than five minutes', () => {
  it.concurrent.each([
    ['bash', { command: `sleep ${silentSeconds}; echo done` }],
    ['shell', { command: `sleep ${silentSeconds}; echo done`, no_change_timeout: 600 }],
  ] as const)('gets its answer from %s exec', { timeout }, async (kind, request) => {
    await using gateway = await startGateway({ PADDOCK_NETWORK: 'none' });
    const sandbox = new Sandbox({ baseUrl: gateway.url, id: 'patient' });
    const output =
      kind === 'bash'
        ? (await sandbox.bash.exec(request)).stdout
        : (await sandbox.shell.exec(request)).output;
    expect(output).toBe('done\n');
  });
});
