import { randomUUID } from 'node:crypto';
import { type ConnectionOptions, Gateway, PaddockError, Sandbox } from '@paddock/client';
import { type Cluster, typed } from '../../cluster/cluster.ts';
import type { Verdict } from '../check.ts';
import type { Door } from './door.ts';
import type { Inside } from './inside.ts';
import { gatewayApp, keySecret } from './names.ts';

const answerLimitMs = 10_000;
const trialLimitMs = 60_000;
const releaseLimitMs = 5_000;
const shownLimit = 300;

interface Caller {
  readonly cluster: Cluster;
  readonly door: Door;
  readonly apiKey: string | undefined;
  readonly signal: AbortSignal;
}

/** What backends ask to know that sandboxes can be used, through the Service. */
export async function checkProbe({ cluster, door, apiKey, signal }: Caller): Promise<Verdict> {
  if (door.is === 'shut') return { status: 'fail', message: door.why.message, hint: door.why.hint };
  const limit = AbortSignal.timeout(answerLimitMs);
  const hint = `See what the gateways say: ${typed(cluster, `logs --selector app=${gatewayApp}`)}`;
  try {
    const response = await fetch(`${door.url}/v1/sandbox`, {
      signal: AbortSignal.any([signal, limit]),
      ...(apiKey !== undefined && { headers: { 'x-api-key': apiKey } }),
    });
    const body = reasonIn(await response.text());
    if (response.status === 200)
      return { status: 'ok', message: 'GET /v1/sandbox answers 200 through the Service' };
    if (response.status === 401) return keyless(cluster, apiKey);
    return { status: 'fail', message: `GET /v1/sandbox answers ${response.status}: ${body}`, hint };
  } catch (error) {
    signal.throwIfAborted();
    const reason = limit.aborted ? `nothing within ${answerLimitMs / 1_000} seconds` : `${causeOf(error)}`;
    return { status: 'fail', message: `GET /v1/sandbox is not answered: ${reason}`, hint };
  }
}

/** The message of a failure, or the beginning of whatever else it is. */
function reasonIn(body: string): string {
  const said = /"message":("(?:[^"\\]|\\.)*")/.exec(body)?.[1];
  return said === undefined ? body.slice(0, shownLimit) : String(JSON.parse(said));
}

/** fetch hides what happened in the cause of its error. */
function causeOf(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : error;
}

function keyless(cluster: Cluster, apiKey: string | undefined): Verdict {
  const read = typed(cluster, `get secret ${keySecret} -o jsonpath='{.data.api-key}' | base64 -d`);
  return {
    status: 'warn',
    message: apiKey === undefined ? 'the gateway asks for a key' : 'the gateway does not know the key',
    hint: `Give it, so that the rest can be tried: export SANDBOX_API_KEY=$(${read})`,
  };
}

/** A sandbox that this program has made, to look around in; or why there is none. */
export interface Trial extends AsyncDisposable {
  readonly verdict: Verdict;
  readonly inside?: Inside;
}

/**
 * Claims a sandbox as a backend does and runs a command there: what holds, whatever the other checks think.
 *
 * @param pool What was found of those that wait to be claimed: where none can start, none is asked for.
 */
export async function trySandbox(
  { door, apiKey, signal }: Caller,
  probe: Verdict,
  pool: Verdict,
): Promise<Trial> {
  if (door.is === 'shut') return untried('the gateway cannot be reached');
  if (probe.status === 'warn') return untried(probe.message);
  if (pool.status === 'fail') return untried('none can start, as the check of the pool says');
  const startedMs = performance.now();
  const limited = AbortSignal.any([signal, AbortSignal.timeout(trialLimitMs)]);
  const connection = { baseUrl: door.url, apiKey, retries: 0 } as const;
  const id = `doctor-${randomUUID()}`;
  const end = () => release(connection, id);
  try {
    await new Gateway({ ...connection, signal: limited }).sandboxes.create({ sandbox_id: id });
    const sandbox = new Sandbox({ ...connection, id, signal: limited });
    const { stdout } = await sandbox.run('echo "$((6 * 7))"');
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    const verdict: Verdict =
      stdout === '42\n'
        ? { status: 'ok', message: `one was claimed and ran a command in ${seconds} s` }
        : { status: 'fail', message: `its shell says 6 * 7 is ${stdout.trim()}`, hint: 'Check its image.' };
    const run = async (script: string) => (await sandbox.run(script)).stdout;
    return { verdict, inside: { run }, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    signal.throwIfAborted();
    return { verdict: failureOf(error, limited), [Symbol.asyncDispose]: async () => {} };
  }
}

/** Not under the caller's signal, and not for long: one that is still starting may take its time to go. */
async function release(connection: ConnectionOptions, sandbox_id: string): Promise<void> {
  const signal = AbortSignal.timeout(releaseLimitMs);
  try {
    await new Gateway(connection).sandboxes.release({ sandbox_id, wait: 'false' }, { signal });
  } catch (error) {
    // The gateway that could not be asked ends what is idle by itself.
    if (!(error instanceof PaddockError || error === signal.reason)) throw error;
  }
}

function failureOf(error: unknown, limited: AbortSignal): Verdict {
  const hint = 'See what the checks of gateways, pool and policies say.';
  if (limited.aborted)
    return { status: 'fail', message: `none within ${trialLimitMs / 1_000} seconds`, hint };
  if (error instanceof PaddockError)
    return {
      status: 'fail',
      message: error.message,
      hint: error.code === 'connection_lost' ? hint : error.hint,
    };
  throw error;
}

function untried(reason: string): Trial {
  return {
    verdict: { status: 'skip', message: `not tried: ${reason}` },
    [Symbol.asyncDispose]: async () => {},
  };
}
