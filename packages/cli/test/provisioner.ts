import { createServer } from 'node:http';

/** A gateway that has some sandboxes and tells of them. */
export async function listenAs(ids: readonly string[]): Promise<AsyncDisposable & { readonly url: string }> {
  const sandboxes = ids.map((id) => ({
    sandbox_id: id,
    sandbox_url: `http://gateway/s/${id}`,
    status: 'Running',
  }));
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ sandboxes, count: sandboxes.length }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
