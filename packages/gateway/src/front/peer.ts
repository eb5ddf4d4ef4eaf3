import type { IncomingMessage } from 'node:http';
import { Fault } from '@paddock/protocol';
import type { Shared } from '../engines/engine.ts';

/**
 * Keeps sandboxes out that have addresses of their own, whatever keys they present: code in one could have been given
 * the key of its owner.
 *
 * @returns a check that throws `peer_refused`.
 */
export function refuseSandboxes(shared: Shared | undefined) {
  return ({ socket }: IncomingMessage): void => {
    // An IPv4 address on a socket that takes both kinds.
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    if (shared?.isSandbox(address)) throw new Fault('peer_refused');
  };
}
