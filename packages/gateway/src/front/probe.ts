import { Agent } from 'node:http';
import { aio, Fault, type SandboxContext } from '@paddock/protocol';
import type { Engine } from '../engines/engine.ts';
import { callServer } from '../fleet/index.ts';

const probeTimeoutMs = 5_000;

/**
 * Answers `GET /v1/sandbox` while the caller has no sandbox yet: with the body of any server, since it is the same for
 * all, but only when a request could be served now.
 */
export class Probe {
  readonly #engine: Engine;
  #known: SandboxContext | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * @throws {Fault} `sandbox_failed` with the reason when no request could be served.
   */
  async answer(): Promise<SandboxContext> {
    const readiness = this.#engine.readiness();
    if (!readiness.ready) throw new Fault('sandbox_failed', `no sandbox can be started: ${readiness.reason}`);
    this.#known ??= await this.#ask(readiness.probe);
    return this.#known;
  }

  async #ask(
    server: Extract<ReturnType<Engine['readiness']>, { ready: true }>['probe'],
  ): Promise<SandboxContext> {
    if (!server) throw new Fault('sandbox_starting', undefined, { headers: { 'retry-after': '1' } });
    const agent = new Agent();
    try {
      const signal = AbortSignal.timeout(probeTimeoutMs);
      return await callServer({ server, agent, row: aio.sandbox.context, body: {}, signal });
    } catch (cause) {
      // Whatever runs there, it is no server of a sandbox, or one in trouble: not a fault of this program.
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Fault('sandbox_failed', `a sandbox that waits does not answer as one: ${why}`, { cause });
    } finally {
      agent.destroy();
    }
  }
}
