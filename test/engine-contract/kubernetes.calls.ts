/** Gateways on a namespace of the cluster, and what is asked of them. */
import * as z from 'zod/mini';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { kubeconfigVariable, type PoolNamespace } from './kubernetes.fixture.ts';

/** How long something that comes is waited for. */
export const longest = { timeout: 90_000, interval: 100 };

/** A gateway's program, on a namespace. */
export async function startOn(
  namespace: PoolNamespace,
  settings: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  return startGateway({
    PADDOCK_ENGINE: 'kubernetes',
    PADDOCK_KUBECONFIG: process.env[kubeconfigVariable] ?? '',
    PADDOCK_NAMESPACE: namespace.name,
    PADDOCK_HOST: '0.0.0.0',
    PADDOCK_ALLOW_UNAUTHENTICATED: 'true',
    // The first pods of a cluster wait for the image, on a machine that may have more to do.
    PADDOCK_CREATE_TIMEOUT_SECONDS: '100',
    ...settings,
  });
}

const executed = z.object({
  data: z.object({ stdout: z.string() }),
  hint: z.optional(z.string()),
});

/** What a command printed, and what the answer says of the sandbox. */
export function outcomeOf(body: unknown) {
  const { data, hint } = executed.parse(body);
  return { stdout: data.stdout, hint };
}

/** Runs a command in the sandbox of an id; in the one that callers share where none is given. */
export async function run(gateway: Gateway, id: string | undefined, command: string) {
  const headers = id === undefined ? {} : { 'x-sandbox-id': id };
  const answer = await gateway.connection.send('POST', '/v1/bash/exec', { command }, headers);
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body}`);
  return outcomeOf(JSON.parse(answer.body));
}

const failure = z.object({ code: z.string(), message: z.string(), hint: z.string() });

/** Asks for a sandbox that cannot be had, and gives what is said of that. */
export async function refusal(gateway: Gateway, body: Readonly<Record<string, unknown>>) {
  const answer = await gateway.connection.send('POST', '/api/sandboxes', body);
  return { status: answer.status, headers: answer.headers, ...failure.parse(JSON.parse(answer.body)) };
}
