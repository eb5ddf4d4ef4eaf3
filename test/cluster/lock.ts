import { once } from 'node:events';
import { createServer } from 'node:net';
import { waitFor } from './wait.ts';

/** Long enough for another process to build everything. */
const timeoutMs = 1_800_000;

/** Waits until no other process of this machine holds the lock of this name, and holds it until it is disposed of. */
export async function lock(name: string): Promise<AsyncDisposable> {
  return await waitFor({ what: `${name} to be free`, timeoutMs, everyMs: 200 }, async () => {
    const server = createServer();
    try {
      // A name that is bound to no file: the kernel frees it when its holder dies, however it dies.
      server.listen(`\0paddock-${name}`);
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
      throw error;
    }
    return {
      [Symbol.asyncDispose]: async () => {
        server.close();
        await once(server, 'close');
      },
    };
  });
}
