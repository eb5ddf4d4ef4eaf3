/** The pages that describe the API, served without an engine behind them. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Routes, serve } from '@paddock/http';
import { aio, document, provisioner } from '@paddock/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Connection } from '../../../test/support/connection.ts';
import { type DocumentOptions, documentRoutes } from '../src/front/document.ts';

class DocumentServer implements AsyncDisposable {
  readonly connection: Connection;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.connection = new Connection({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  }

  static async start(options: DocumentOptions): Promise<DocumentServer> {
    const routes = new Routes().add(document.api, documentRoutes(options));
    const server = createServer((request, response) => {
      void serve(
        routes,
        { limitBytes: 1024, logFault: (_id, error) => console.error(error) },
        request,
        response,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new DocumentServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection[Symbol.dispose]();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('the page at /docs', () => {
  let server: DocumentServer;
  beforeAll(async () => {
    server = await DocumentServer.start({ keyed: false, publicUrl: undefined });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const get = async (headers: Record<string, string> = {}) =>
    server.connection.send('GET', '/docs', undefined, headers);

  it('has every operation that callers can reach', async () => {
    const { status, headers, body } = await get();
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const ids = [aio, provisioner, document].flatMap((table) =>
      Object.entries(table).flatMap(([group, operations]) =>
        Object.keys(operations).map((name) => `${group}.${name}`),
      ),
    );
    expect(ids.filter((id) => !body.includes(`<details class="operation" id="${id}"`))).toEqual([]);
  });

  it('allows the style and the script that it has, and nothing else', async () => {
    const { headers, body } = await get();
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*/);
    for (const element of ['style', 'script']) {
      const inline = [...body.matchAll(new RegExp(`<${element}>(.*?)</${element}>`, 'gs'))].map(
        ([, text]) => text ?? '',
      );
      expect(inline).toHaveLength(1);
      expect(policy).toContain(`'sha256-${createHash('sha256').update(inline.join()).digest('base64')}'`);
    }
    expect(body).not.toMatch(/\s(on\w+|style|src|srcset)=/);
    expect(body).not.toMatch(/\shref="(?!#|openapi\.json")/);
  });

  it('shows the address by which it was asked for', async () => {
    const { body } = await get({ host: 'paddock.example:9000' });
    expect(body).toContain('<span class="origin">http://paddock.example:9000</span>/v1/shell/exec');
    expect(body).not.toContain('origin.invalid');
  });

  it('escapes what comes from the request', async () => {
    const { body } = await get({ host: '<b>"&' });
    expect(body).toContain('http://&lt;b&gt;&quot;&amp;');
    expect(body).not.toContain('<b>"&');
  });

  it('answers HEAD with the headers alone', async () => {
    const { status, headers, body } = await server.connection.send('HEAD', '/docs');
    expect([status, body]).toEqual([200, '']);
    expect(Number(headers['content-length'])).toBeGreaterThan(10_000);
  });
});

describe('a gateway with a key and a public URL', () => {
  it('says so in every example', async () => {
    await using server = await DocumentServer.start({ keyed: true, publicUrl: 'https://agents.example.com' });
    const { body } = await server.connection.send('GET', '/docs');
    const examples = [...body.matchAll(/<pre>(.*?)<\/pre>/gs)].map(([, text]) => text ?? '');
    expect(examples.length).toBeGreaterThan(20);
    expect(examples.filter((text) => !text.includes('X-API-Key: $SANDBOX_API_KEY'))).toEqual([]);
    expect(examples.filter((text) => !text.includes('https://agents.example.com'))).toEqual([]);
  });
});

describe('/openapi.json', () => {
  it('has a path for every operation', async () => {
    await using server = await DocumentServer.start({ keyed: false, publicUrl: undefined });
    const { paths } = (await server.connection.call('GET', '/openapi.json')) as {
      paths: Record<string, object>;
    };
    expect(paths['/v1/shell/exec']).toHaveProperty('post.requestBody');
    expect(paths['/api/sandboxes/{sandbox_id}']).toHaveProperty('delete');
  });
});
