/** All that the server does but for the probe. It is loaded apart from that: see main.ts. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Routes, serve } from '@paddock/http';
import { aio, control, type SandboxContext } from '@paddock/protocol';
import { BashSessions, bashRoutes } from './bash/index.ts';
import { Activity, admission, bindRoutes, Identity, TrustedKeys } from './bind/index.ts';
import { contextRoutes } from './context/index.ts';
import type { StartOptions } from './environment.ts';
import { fileRoutes, isFileFault } from './file/index.ts';
import { Programs } from './proxy/index.ts';
import { rehearse } from './rehearsal.ts';
import { Settling } from './settle.ts';
import { ShellSessions, shellRoutes, TerminalSockets } from './shell/index.ts';

/** Files are written through JSON bodies up to this size; larger ones are uploaded. */
const limitBytes = 64 * 1024 * 1024;

/** What a loaded server does. Disposing of it ends all that runs in the sandbox. */
export interface App extends AsyncDisposable {
  /** Whether it is a sandbox's server, or still waits for one. */
  readonly isBound: boolean;
  request(request: IncomingMessage, response: ServerResponse): void;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Puts the server together.
 *
 * @throws {Error} when the keys cannot be read
 */
export function createApp(start: StartOptions, describe: () => SandboxContext): App {
  const identity = new Identity(start.bindFile);
  const sessionOptions = {
    workspace: start.workspace,
    env: () => ({ ...start.commandEnv, ...identity.env }),
  };
  const shell = new ShellSessions({ ...sessionOptions, runDir: join(start.runDir, 'shell') });
  const bash = new BashSessions({ ...sessionOptions, runDir: join(start.runDir, 'bash') });
  const activity = new Activity(() => shell.busy || bash.busy);

  const routes = new Routes()
    .add(control.server, bindRoutes({ identity, activity, onBound: () => bash.prepare() }))
    .add(
      aio.sandbox,
      contextRoutes({
        describe,
        env: sessionOptions.env,
      }),
    )
    .add(aio.shell, shellRoutes(shell))
    .add(aio.bash, bashRoutes(bash))
    .add(aio.file, fileRoutes({ uploadFolder: start.workspace }));

  const options = {
    limitBytes,
    ...(start.softFileFailures && { isSoft: isFileFault }),
    takeNotice: () => identity.takeNotice(),
    admit: admission(identity, { keys: new TrustedKeys(start.publicKeys), server: start.serverId }),
    logFault(id: string, error: unknown, request: { method: string; path: string }) {
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(
        `${JSON.stringify({ level: 'error', msg: 'internal fault', id, ...request, cause })}\n`,
      );
    },
  };

  const settling = new Settling({
    idleMs: () => activity.idleSeconds * 1000,
    onSettled() {
      if (identity.isBound) return;
      bash.prepare();
      rehearse(start.runDir, { serve: options, commands: sessionOptions }).catch((error) =>
        options.logFault(randomUUID(), error, { method: 'POST', path: control.server.bind.path }),
      );
    },
  });
  const sockets = new TerminalSockets(shell, options);
  const programs = new Programs({ ...options, ownPort: portOf(start.listen) });

  return {
    get isBound() {
      return identity.isBound;
    },
    request(request, response) {
      settling.worked();
      const end = isUse(request) ? activity.begin() : () => {};
      const answered = programs.takes(request)
        ? programs.request(request, response)
        : serve(routes, options, request, response);
      void answered.finally(end);
    },
    upgrade(request, socket, head) {
      settling.worked();
      const taker = programs.takes(request) ? programs : sockets;
      void taker.upgrade(request, socket, head).finally(activity.begin());
    },
    async [Symbol.asyncDispose]() {
      settling[Symbol.dispose]();
      sockets[Symbol.dispose]();
      await Promise.all([shell[Symbol.asyncDispose](), bash[Symbol.asyncDispose]()]);
    },
  };
}

/** The port that an address names; none where it is a socket's path. */
function portOf(address: string): number | undefined {
  return address.startsWith('/') ? undefined : Number(address.slice(address.lastIndexOf(':') + 1));
}

/** The probe and what a gateway asks by itself are no use of the sandbox: its end would be put off by looking at it. */
const noUse = new Set(
  [control.server.activity, control.server.bind, aio.sandbox.context].map(({ path }) => path),
);

function isUse({ url = '' }: IncomingMessage): boolean {
  return !noUse.has(url);
}
