/**
 * The sandbox server's program. It is started by an engine with the variables that environment.ts reads, writes
 * `ready` to standard output when it listens, and serves until it is killed or told to end by SIGTERM.
 */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Routes, serve } from '@paddock/http';
import { aio, control } from '@paddock/protocol';
import { BashSessions, bashRoutes } from './bash/index.ts';
import { Activity, admission, bindRoutes, Identity } from './bind/index.ts';
import { contextRoutes, describeSandbox } from './context/index.ts';
import { readEnvironment } from './environment.ts';
import { fileRoutes, isFileFault } from './file/index.ts';
import { ShellSessions, shellRoutes } from './shell/index.ts';

/** Files are written through JSON bodies up to this size; larger ones are uploaded. */
const limitBytes = 64 * 1024 * 1024;

const start = readEnvironment(process.env);
const identity = new Identity();
const sessionOptions = {
  workspace: start.workspace,
  env: () => ({ ...start.commandEnv, ...identity.env }),
};
const shell = new ShellSessions({ ...sessionOptions, runDir: join(start.runDir, 'shell') });
const bash = new BashSessions({ ...sessionOptions, runDir: join(start.runDir, 'bash') });
const activity = new Activity(() => shell.busy || bash.busy);

const routes = new Routes()
  .add(control.server, bindRoutes(identity, activity))
  .add(
    aio.sandbox,
    contextRoutes(() => describeSandbox({ ...start, path: start.commandEnv.PATH ?? '' })),
  )
  .add(aio.shell, shellRoutes(shell))
  .add(aio.bash, bashRoutes(bash))
  .add(aio.file, fileRoutes({ uploadFolder: start.workspace }));

const options = {
  limitBytes,
  ...(start.softFileFailures && { isSoft: isFileFault }),
  takeNotice: () => identity.takeNotice(),
  admit: admission(identity, { keys: start.publicKeys, server: start.serverId }),
  logFault(id: string, error: unknown, request: { method: string; path: string }) {
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(
      `${JSON.stringify({ level: 'error', msg: 'internal fault', id, ...request, cause })}\n`,
    );
  },
};

// The gateway is the only client and ends idle connections itself: were we to, a request could meet the end.
const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
  const isAsking = request.url === '/activity' || request.url === '/v1/sandbox';
  const end = isAsking ? () => {} : activity.begin();
  void serve(routes, options, request, response).finally(end);
});

server.listen(listenOptions(start.listen), () => process.stdout.write('ready\n'));

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void Promise.all([shell[Symbol.asyncDispose](), bash[Symbol.asyncDispose]()]).then(() => process.exit(0));
});

function listenOptions(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('/')) return { path: address };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
