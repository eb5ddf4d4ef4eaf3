import { Agent } from 'node:http';
import { control } from '@paddock/protocol';
import type { Claim, Server } from '../engines/engine.ts';
import type { GatewayKey } from '../trust/gateway-key.ts';
import { callServer } from './call.ts';

/** A server is bound in milliseconds; one that takes this long hangs. */
const bindTimeoutMs = 10_000;

/** Whose a server becomes. */
export interface Binding {
  readonly claim: Claim;
  /** Variables that commands get. */
  readonly env: Readonly<Record<string, string>>;
  /** What the sandbox's first answer is to say of how it came to be. */
  readonly notice: string | undefined;
  readonly key: GatewayKey;
}

/**
 * Tells a server whose it is, over the connections that all requests to it will take.
 *
 * @throws {Fault} what the server answered.
 * @throws {Error} when it cannot be reached.
 */
export async function bind(server: Server, { claim, env, notice, key }: Binding): Promise<Agent> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 32 });
  try {
    await callServer({
      server,
      agent,
      row: control.server.bind,
      body: {
        name: claim.name,
        sandbox_id: claim.id,
        env: { ...env, SANDBOX_ID: claim.id },
        notice: notice ?? null,
        files: [],
      },
      token: key.token('bind', server.id),
      signal: AbortSignal.timeout(bindTimeoutMs),
    });
    return agent;
  } catch (error) {
    agent.destroy();
    throw error;
  }
}
