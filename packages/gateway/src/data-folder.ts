import { mkdirSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { SetupError } from './engines/engine.ts';

/**
 * Takes a data folder for this process alone, until it is disposed or the process ends in any way.
 *
 * A listening socket is the lock: unlike a file with a pid it cannot be held by the dead.
 *
 * @throws {SetupError} when another gateway has it.
 */
export async function lockDataFolder(folder: string): Promise<AsyncDisposable> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'lock');
  if (await isAnswered(path)) {
    throw new SetupError(
      `another gateway uses the data folder ${folder}`,
      'Stop it, or set PADDOCK_DATA_DIR to another folder.',
    );
  }
  rmSync(path, { force: true });
  const server = createServer((socket) => socket.destroy());
  await listening(server, path);
  server.unref();
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}
