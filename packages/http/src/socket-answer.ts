import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers an upgrade request as an ordinary one, for which Node makes no response by itself; then ends the connection. */
export function answerOnSocket(
  request: IncomingMessage,
  socket: Socket,
  answer: (response: ServerResponse) => void,
): void {
  if (socket.destroyed) return;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  answer(response);
}
