/** A port of the machine's loopback address that leads to an address on the node. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { State } from './layout.ts';

const program = join(import.meta.dirname, 'forward.ts');

/** Opens the port; it stays open until the node's first process ends. @returns the port */
export async function forwardPort(
  state: State,
  nodePid: number,
  host: string,
  port: number,
): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the socket has no port');

  const enter = [`--target=${nodePid}`, '--net', '--pid', '--'];
  const args = [...enter, process.execPath, program, state.folder, host, `${port}`];
  const child = spawn('nsenter', args, { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`nothing forwards to ${host}:${port}: ${program} ended with exit code ${code}`);
  });
  child.send('forward', server);
  await Promise.race([once(child, 'message'), ended]);
  ended.catch(() => {}); // It ends with the cluster, and nobody waits for that here.
  server.close();
  if (child.connected) child.disconnect();
  child.unref();
  return address.port;
}
