/**
 * Hands connections on from a listening socket of the machine to an address in a network namespace: a socket belongs to
 * the namespace where it was opened, so a process that is given one in another namespace is at home in both.
 *
 *   nsenter … node forward.ts STATE HOST PORT      with the socket sent over the IPC channel
 */
import { connect, Server } from 'node:net';
import { pipeline } from 'node:stream';

// STATE only tells which cluster the process belongs to.
const [host = '', port = ''] = process.argv.slice(3);

process.once('message', (_, socket) => {
  if (!(socket instanceof Server)) throw new Error('the message carries no listening socket');
  socket.on('connection', (client) => {
    const upstream = connect({ host, port: Number(port) });
    // A connection that breaks on one side is broken off on the other, which is all there is to tell.
    pipeline(client, upstream, client, () => upstream.destroy());
  });
  process.send?.('listening', () => process.disconnect());
});
