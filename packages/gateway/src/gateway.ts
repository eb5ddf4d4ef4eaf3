import { createServer, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '@paddock/config';
import { Routes } from '@paddock/http';
import { document, provisioner } from '@paddock/protocol';
import type { Logger } from 'pino';
import type { Engine } from './engines/engine.ts';
import { Audit, Fleet, Reaper } from './fleet/index.ts';
import {
  createAuth,
  documentRoutes,
  Front,
  guard,
  Probe,
  refuseSandboxes,
  sandboxRoutes,
  serviceRoutes,
} from './front/index.ts';
import { listen } from './listen.ts';
import { openEngine } from './open-engine.ts';
import { KeyRing } from './trust/index.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly log: Logger;
  /** Finds the folder with the sandbox server's bundle, where sandboxes are of this machine. */
  readonly serverFolder: () => string;
}

/** Bodies and answers may take as long as they like; headers may not, for they cost a connection each. */
const serverOptions: ServerOptions = {
  keepAliveTimeout: 75_000,
  requestTimeout: 0,
  headersTimeout: 60_000,
  // Some clients offer HTTP/2 with their first request, which we answer as HTTP/1.1, its body and all.
  shouldUpgradeCallback: ({ headers }) => !/^h2c\b/i.test(headers.upgrade ?? ''),
};

/** A gateway that serves. */
export interface RunningGateway {
  /** Where this machine reaches it. */
  readonly url: string;
  readonly facts: Engine['facts'];
  /** Lets open requests end in their time, then ends every sandbox server. Files of sandboxes stay. */
  close(): Promise<void>;
}

/**
 * Starts a gateway. It listens only once sandboxes can be claimed.
 *
 * @throws {SetupError} when something on this machine or in the configuration is in the way.
 */
export async function startGateway({ config, log, serverFolder }: GatewayOptions): Promise<RunningGateway> {
  await using resources = new AsyncDisposableStack();
  // The port first: it is what most often is in the way, and found out at once.
  const ports = [config.port, ...(config.provisionerPort > 0 ? [config.provisionerPort] : [])];
  const servers = ports.map(() => createServer(serverOptions));
  for (const server of servers) resources.defer(() => closed(server));
  const [url = ''] = await Promise.all(
    servers.map((server, i) => listen(server, config.host, ports[i] ?? 0)),
  );
  const audit = new Audit(log, config.auditFile);
  const { engine, key, pathKey } = await openEngine({ config, log, serverFolder }, resources);
  await engine.start();

  const fleet = resources.use(new Fleet({ ...config, engine, key, log, audit }));
  resources.use(new Reaper({ ...config, fleet, log, shared: engine.shared }));
  const drain = serve(servers, { config, log, engine, fleet, pathKey });
  const owned = resources.move();
  return {
    url,
    facts: engine.facts,
    async close() {
      await drain();
      await owned.disposeAsync();
    },
  };
}

interface Parts {
  readonly config: Config;
  readonly log: Logger;
  readonly engine: Engine;
  readonly fleet: Fleet;
  /** What path secrets are derived from. */
  readonly pathKey: Buffer;
}

/** Takes requests from now on. Gives the function that refuses new ones and waits for those that are open. */
function serve(
  servers: readonly Server[],
  { config, log, engine, fleet, pathKey }: Parts,
): () => Promise<void> {
  let draining = false;
  const offersMounts = config.mountRoots.length > 0;
  const auth = createAuth(new KeyRing({ ...config, log }), pathKey);
  const publicHost = config.publicUrl ? [new URL(config.publicUrl).hostname] : [];
  const front = new Front({
    fleet,
    auth,
    probe: new Probe(engine),
    routes: new Routes()
      .add(provisioner.service, serviceRoutes({ offersMounts }))
      .add(
        provisioner.sandboxes,
        sandboxRoutes({
          programDomain: config.programDomain,
          fleet,
          auth,
          engine,
          publicUrl: config.publicUrl,
          onLateFailure: (id, error) => log.error({ id, err: error }, 'a sandbox could not be released'),
        }),
      )
      .add(document.api, documentRoutes({ keyed: auth.keyed, publicUrl: config.publicUrl })),
    refusePeer: refuseSandboxes(engine.shared),
    guard: guard({
      ...config,
      allowedHosts: [...config.allowedHosts, ...publicHost, `*.${config.programDomain}`],
    }),
    programDomain: config.programDomain,
    isDraining: () => draining,
    logFault: (id, error, request) => log.error({ id, err: error, ...request }, 'internal fault'),
  });
  const open = new Set<Promise<void>>();
  const track = (work: Promise<void>) => {
    open.add(work);
    void work.finally(() => open.delete(work));
  };
  for (const server of servers) {
    server.on('request', (request, response) => track(front.handle(request, response)));
    server.on('upgrade', (request, socket, head) =>
      track(front.handleUpgrade(request, socket as Socket, head)),
    );
  }
  return async () => {
    draining = true;
    for (const server of servers) {
      server.close();
      server.closeIdleConnections();
    }
    if (open.size > 0)
      await Promise.race([
        Promise.allSettled(open),
        delay(config.drainSeconds * 1000, undefined, { ref: false }),
      ]);
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
