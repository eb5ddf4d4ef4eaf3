/**
 * The sandbox server's program. It is started by an engine with the variables that environment.ts reads, writes
 * `ready` to standard output when it listens, and serves until it is killed or told to end by SIGTERM.
 *
 * A sandbox counts as there when the probe is answered, which takes next to nothing. So that comes first, and all the
 * rest is loaded when it is asked for, or a moment later.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { App } from './app.ts';
import { describeSandbox } from './context/describe.ts';
import { commandTrial } from './context/trial.ts';
import { readEnvironment } from './environment.ts';

/** So long after the start the rest is loaded by itself: a server that waits for its sandbox has it ready. */
const loadAfterMs = 100;

const start = readEnvironment(process.env);
const describe = once(() => describeSandbox({ ...start, path: start.commandEnv.PATH ?? '' }));
const trial = commandTrial({ workspace: start.workspace, env: start.commandEnv });
let loaded: App | undefined;
const load = once(async () => {
  const { createApp } = await import('./app.ts');
  loaded = createApp(start, describe);
  return loaded;
});

// The gateway is the only client and ends idle connections itself: were we to, a request could meet the end.
const server = createServer(
  { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 60_000 },
  (request, response) => {
    if (isProbe(request) && isToBeTried(request)) void answerTrial(response);
    else if (loaded !== undefined) loaded.request(request, response);
    else if (isProbe(request)) answerProbe(response);
    else void load().then((app) => app.request(request, response), fail);
  },
);
server.on('upgrade', (request, socket, head) => {
  void load().then((app) => app.upgrade(request, socket, head), fail);
});
server.listen(listenOptions(start.listen), () => {
  process.stdout.write('ready\n');
  setTimeout(() => load().catch(fail), loadAfterMs).unref();
});

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void (loaded?.[Symbol.asyncDispose]() ?? Promise.resolve()).then(() => process.exit(0));
});

function isProbe({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && /^\/+v1\/sandbox$/.test(url);
}

/**
 * Where it is asked for, a server that waits for its sandbox is ready only when commands run. Whether it lives is another
 * question, and a sandbox in use is left to its user.
 */
function isToBeTried({ headers }: IncomingMessage): boolean {
  return start.probeRunsCommand && headers['x-paddock-probe'] !== 'live' && loaded?.isBound !== true;
}

async function answerTrial(response: ServerResponse): Promise<void> {
  const reason = await trial();
  if (reason === undefined) return answerProbe(response);
  const body = JSON.stringify({ success: false, message: `no command can be run: ${reason}`, data: null });
  response.writeHead(503, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function answerProbe(response: ServerResponse): void {
  const body = JSON.stringify(describe());
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** A server that cannot be put together must not pass for one that works. */
function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}

function listenOptions(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('/')) return { path: address };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
