import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readForm } from '../src/form.ts';

const server = createServer(async (incoming, response) => {
  const parts: unknown[] = [];
  try {
    for await (const part of readForm(incoming)) {
      if (part.name === 'skipped') continue;
      if (part.name === 'refused') throw new Error('refused');
      if (part.kind === 'field') parts.push([part.name, part.value]);
      else parts.push([part.name, part.fileName, await text(part.content)]);
    }
    response.end(JSON.stringify(parts));
  } catch (error) {
    response.end(JSON.stringify(error instanceof Error ? error.name : error));
  }
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Sends a form, cut into pieces of the given size. */
function send(body: Buffer, pieceBytes = body.length): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const headers = { 'content-type': 'multipart/form-data; boundary=edge', connection: 'close' };
    const outgoing = request({ host: '127.0.0.1', port, method: 'POST', headers }, async (response) => {
      resolve(JSON.parse((await response.toArray()).join('')));
    });
    outgoing.on('error', reject);
    for (let at = 0; at < body.length; at += pieceBytes) outgoing.write(body.subarray(at, at + pieceBytes));
    outgoing.end();
  });
}

function form(parts: readonly (readonly [name: string, content: string, file?: string])[]): Buffer {
  const written = parts.map(([name, content, file]) => {
    const more = file === undefined ? '' : `; filename="${file}"\r\nContent-Type: application/octet-stream`;
    return `--edge\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${content}\r\n`;
  });
  return Buffer.from(`${written.join('')}--edge--\r\n`);
}

describe('a form', () => {
  it('gives its parts in order, however the network cuts it', async () => {
    // Pieces of the boundary in the content are what a parser may stumble over.
    const content = fc.array(fc.constantFrom('a', '\r', '\n', '-', '--edge', '\r\n--edg', 'ö'), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 40 }), async (pieces, pieceBytes) => {
        const body = `x${pieces.join('')}x`.replaceAll('\r\n--edge', '');
        const parts = await send(
          form([
            ['path', '/a'],
            ['file', body, 'n.txt'],
            ['last', 'z'],
          ]),
          pieceBytes,
        );
        expect(parts).toEqual([
          ['path', '/a'],
          ['file', 'n.txt', body],
          ['last', 'z'],
        ]);
      }),
      { numRuns: 40 },
    );
  });

  it.each([1, 20, 60, 100, 130])('is refused when it ends %i bytes too soon', async (missing) => {
    const whole = form([
      ['path', '/a'],
      ['file', 'content', 'n.txt'],
    ]).subarray(0, -4);
    expect(await send(whole.subarray(0, -missing))).toBe('InvalidInput');
  });

  it('may hold several files, and files that nobody reads', async () => {
    const large = 'x'.repeat(300_000);
    const files = ['a', 'skipped', 'b', 'skipped', 'c'].map((name) => [name, large, 'n.txt'] as const);
    expect(await send(form(files), 10_000)).toEqual(['a', 'b', 'c'].map((name) => [name, 'n.txt', large]));
  });

  it('is read to its end when it is refused in the middle', async () => {
    const whole = form([['refused', 'x'.repeat(8_000_000), 'n.txt']]);
    expect(await send(whole, 100_000)).toBe('Error');
  });
});
