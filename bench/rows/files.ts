/** Files over HTTP: small ones, large ones, and many. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandboxServer } from '../../test/support/sandbox-server.ts';
import { Baseline } from '../baseline.ts';
import { type Contest, type Row, timed } from '../row.ts';

type Side = (started: {
  readonly server: Awaited<ReturnType<typeof startSandboxServer>>;
  readonly bare: Baseline;
  readonly folder: string;
}) => Promise<unknown>;

const kib = 'x'.repeat(1023).concat('\n');
const mib = 1024 * 1024;
const treeFiles = 10_000;

export const fileRows: readonly Row[] = [
  {
    ...row('write of 1 KiB', writeOurs, writeBare),
    runs: 500,
    block: 50,
    target: 1.5,
  },
  { ...row('read of 1 KiB', readOurs, readBare), runs: 500, block: 50, target: 1.5 },
  // A rate of 0.8 is a time of 1.25.
  { ...row('64 MiB up', uploadOurs(64 * mib), uploadBare(64 * mib)), runs: 20, block: 2, target: 1.25 },
  { ...row('64 MiB down', downloadOurs, downloadBare), runs: 20, block: 2, target: 1.25 },
  {
    ...row(
      '10,000 files listed',
      post('list', { recursive: true }),
      run(['find', '@', '-printf', '%p %s %T@\\n']),
    ),
    runs: 20,
    block: 4,
    target: 1.5,
  },
  {
    ...row(
      '10,000 files found by name',
      post('find', { glob: '**/*7.txt' }),
      run(['find', '@', '-name', '*7.txt']),
    ),
    runs: 20,
    block: 4,
    target: 1.5,
  },
  {
    ...row(
      '10,000 files grepped',
      post('grep', { pattern: 'needle \\d+7\\b' }),
      run(['rg', '-n', 'needle \\d+7\\b', '@']),
    ),
    runs: 20,
    block: 4,
    target: 1.5,
  },
];

function row(name: string, ours: Side, baseline: Side): Omit<Row, 'runs' | 'block'> {
  return {
    name,
    unit: 'ms',
    async prepare(): Promise<Contest> {
      await using resources = new AsyncDisposableStack();
      const folder = mkdtempSync(join(tmpdir(), 'bench-files-'));
      resources.defer(() => rmSync(folder, { recursive: true, force: true }));
      makeTree(join(folder, 'tree'));
      writeFileSync(join(folder, 'kib.txt'), kib);
      writeFileSync(join(folder, 'large.bin'), Buffer.alloc(64 * mib, 1));
      const bare = resources.use(new Baseline('files'));
      const server = resources.use(await startSandboxServer());
      await bare.child.firstLine(1);
      const started = { server, bare, folder };
      const kept = resources.move();
      return {
        ours: () => timed(() => ours(started)),
        baseline: () => timed(() => baseline(started)),
        [Symbol.asyncDispose]: () => kept.disposeAsync(),
      };
    },
  };
}

function makeTree(root: string): void {
  for (let i = 0; i < treeFiles; i++) {
    const folder = join(root, String(i % 100));
    if (i < 100) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${i}.txt`), `${'some text to look through\n'.repeat(20)}needle ${i}\n`);
  }
}

function writeOurs({ server, folder }: Parameters<Side>[0]) {
  const body = { file: join(folder, 'ours.txt'), content: kib };
  return server.connection.call('POST', '/v1/file/write', body);
}

function writeBare({ bare, folder }: Parameters<Side>[0]) {
  return bare.connection.call('POST', '/write', { file: join(folder, 'bare.txt'), content: kib });
}

function readOurs({ server, folder }: Parameters<Side>[0]) {
  return server.connection.call('POST', '/v1/file/read', { file: join(folder, 'kib.txt') });
}

function readBare({ bare, folder }: Parameters<Side>[0]) {
  return bare.connection.call('POST', '/read', { file: join(folder, 'kib.txt') });
}

function uploadOurs(sizeBytes: number): Side {
  return async ({ server, folder }) => {
    const head = [
      ...['--b', 'content-disposition: form-data; name="path"', '', join(folder, 'ours.bin'), '--b'],
      ...['content-disposition: form-data; name="file"; filename="f"', '', ''],
    ];
    const { status } = await server.connection.transfer('POST', '/v1/file/upload', {
      headers: { 'content-type': 'multipart/form-data; boundary=b' },
      body: [Buffer.from(head.join('\r\n')), ...chunks(sizeBytes), Buffer.from('\r\n--b--\r\n')],
    });
    if (status !== 200) throw new Error(`the upload answered ${status}`);
  };
}

function uploadBare(sizeBytes: number): Side {
  return ({ bare, folder }) => {
    const path = `/up?path=${encodeURIComponent(join(folder, 'bare.bin'))}`;
    return bare.connection.transfer('POST', path, { body: chunks(sizeBytes) });
  };
}

function* chunks(sizeBytes: number): Generator<Uint8Array> {
  const chunk = Buffer.alloc(mib, 'x');
  for (let sent = 0; sent < sizeBytes; sent += chunk.length) yield chunk;
}

function downloadOurs({ server, folder }: Parameters<Side>[0]) {
  const path = `/v1/file/download?path=${encodeURIComponent(join(folder, 'large.bin'))}`;
  return server.connection.transfer('GET', path);
}

function downloadBare({ bare, folder }: Parameters<Side>[0]) {
  const path = `/down?path=${encodeURIComponent(join(folder, 'large.bin'))}`;
  return bare.connection.transfer('GET', path);
}

function post(operation: string, fields: object): Side {
  return ({ server, folder }) =>
    server.connection.call('POST', `/v1/file/${operation}`, { path: join(folder, 'tree'), ...fields });
}

function run(command: readonly string[]): Side {
  return ({ bare, folder }) => {
    const tree = join(folder, 'tree');
    return bare.connection.call('POST', '/run', {
      command: command.map((part) => (part === '@' ? tree : part)),
    });
  };
}
