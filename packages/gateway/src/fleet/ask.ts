/** What a gateway asks a server on its own behalf. */
import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { aio, control } from '@paddock/protocol';
import type { Server } from '../engines/engine.ts';
import { callServer } from './call.ts';

/** How long a server may take to show that it lives. One that is only busy is then taken as it is. */
const answerLimitMs = 2_000;

interface Asked {
  readonly server: Server;
  readonly agent: Agent;
  readonly token: () => string;
}

/**
 * For how long nothing has happened in a sandbox, in milliseconds.
 *
 * @throws {Error} when its server does not say.
 */
export async function askIdleMs({ server, agent, token }: Asked): Promise<number> {
  const askedMs = Date.now();
  const signal = AbortSignal.timeout(answerLimitMs);
  const row = control.server.activity;
  const { idle_seconds } = await callServer({ server, agent, row, body: {}, token: token(), signal });
  // A server is as hostile as the code beside it: none is used in the future. And from when it was asked: the way of the
  // answer must not make it look used after a time that it was not.
  return Math.max(0, idle_seconds * 1000) + Date.now() - askedMs;
}

/** Settles once a server has shown that it lives, or has ended: its connections are seen to break before its end is. */
export async function untilKnown(server: Server, agent: Agent): Promise<void> {
  const signal = AbortSignal.timeout(answerLimitMs);
  try {
    await callServer({ server, agent, row: aio.sandbox.context, body: {}, signal });
  } catch {
    await Promise.race([server.ended, delay(answerLimitMs, undefined, { ref: false })]);
  }
}
