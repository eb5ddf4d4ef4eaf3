import { connect, type Socket } from 'node:net';

/** Opens a connection to a server over which nothing is sent yet. */
export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  return socket.on('error', () => {}); // It may be closed on us while we send: what came before counts.
}

/** Sends bytes as they are, one character a byte. Gives all that comes back until the server closes, or `isEnough`. */
export async function exchange(
  url: string,
  bytes: string,
  isEnough: (received: string) => boolean = () => false,
): Promise<string> {
  const socket = await open(url);
  return new Promise((resolve) => {
    let received = '';
    const finish = () => {
      socket.destroy();
      resolve(received);
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      if (isEnough(received)) finish();
    });
    socket.once('close', finish);
    socket.write(bytes, 'latin1');
  });
}

/** A request as it is written: its lines, the connection to be closed after it, and a body. */
export function written(lines: readonly string[], body = ''): string {
  return [...lines, 'connection: close', '', body].join('\r\n');
}
