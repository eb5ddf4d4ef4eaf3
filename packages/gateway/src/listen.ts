import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetupError } from './engines/engine.ts';

/**
 * Listens, and gives the URL under which this machine reaches the server.
 *
 * @throws {SetupError} when the port is in use or may not be taken.
 */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(port, host, resolve);
  });
  const { address, port: actual } = server.address() as AddressInfo;
  const reachable = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${actual}`;
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const mends: Record<string, [string, string]> = {
    EADDRINUSE: [
      `port ${port} on ${host} is in use`,
      'Stop what uses it, or set PADDOCK_PORT to another port.',
    ],
    EACCES: [`port ${port} may not be used by this user`, 'Set PADDOCK_PORT to a port over 1023.'],
    EADDRNOTAVAIL: [
      `${host} is no address of this machine`,
      'Set PADDOCK_HOST to one that is, such as 127.0.0.1.',
    ],
    ENOTFOUND: [
      `the host ${host} is not known`,
      'Set PADDOCK_HOST to an address of this machine, such as 127.0.0.1.',
    ],
  };
  const known = mends[error.code ?? ''];
  return known ? new SetupError(...known, { cause: error }) : error;
}
