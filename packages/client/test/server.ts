import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';

/** What a server was sent. */
interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

/** A server on a free loopback port, to see what the client sends and how it takes odd answers. */
export async function listen(
  listener: RequestListener,
  port = 0,
): Promise<AsyncDisposable & { url: string; port: number }> {
  const server = createServer(listener);
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that keeps what it hears and always gives the same answer. */
export async function listenAndAnswer(status: number, answer: unknown, port = 0) {
  const heard: Heard[] = [];
  const server = await listen(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const body = await text(request);
    heard.push({ method, url, headers, body: body ? JSON.parse(body) : undefined });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }, port);
  return { heard, ...server };
}
