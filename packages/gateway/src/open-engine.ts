import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '@paddock/config';
import type { Logger } from 'pino';
import { lockDataFolder } from './data-folder.ts';
import { type Engine, SetupError } from './engines/engine.ts';
import {
  ApiClient,
  ClusterKeys,
  findAccess,
  KubernetesEngine,
  ownNamespace,
} from './engines/kubernetes/index.ts';
import { LocalEngine } from './engines/local/index.ts';
import { GatewayKey, loadPathKey } from './trust/index.ts';

interface EngineNeeds {
  readonly config: Config;
  readonly log: Logger;
  readonly serverFolder: () => string;
}

/** An engine that has not been started, and the keys that go with it. */
interface Opened {
  readonly engine: Engine;
  readonly key: GatewayKey;
  /** What path secrets are derived from. */
  readonly pathKey: Buffer;
}

/**
 * Makes the engine that the configuration names.
 *
 * @param resources gets what is to be closed with it.
 * @throws {SetupError}
 */
export async function openEngine(needs: EngineNeeds, resources: AsyncDisposableStack): Promise<Opened> {
  return needs.config.engine === 'kubernetes'
    ? openKubernetes(needs, resources)
    : openLocal(needs, resources);
}

async function openLocal({ config, log, serverFolder }: EngineNeeds, resources: AsyncDisposableStack) {
  resources.use(await lockDataFolder(config.dataDir));
  const key = new GatewayKey();
  const options = { config, serverFolder: serverFolder(), publicKeys: key.publicKeys, log };
  const engine = resources.use(await LocalEngine.create(options));
  return { engine, key, pathKey: loadPathKey(join(config.dataDir, 'path.key')) };
}

async function openKubernetes({ config, log }: EngineNeeds, resources: AsyncDisposableStack) {
  const client = resources.use(new ApiClient(findAccess(config.kubeconfig)));
  const namespace = config.namespace ?? ownNamespace();
  if (namespace === undefined)
    throw new SetupError('it is not known which namespace has the sandboxes', 'Set PADDOCK_NAMESPACE.');
  for (const [name, { env: _, ...rest }] of Object.entries(config.templates)) {
    const ignored = Object.keys(rest).join(', ');
    if (ignored)
      log.warn(
        `template ${name}: ${ignored} has no effect with engine "kubernetes"; pods are made as the Deployment says that is labelled paddock.dev/template=${name}, or the one of all`,
      );
  }
  const identity = `${hostname()}_${randomUUID().slice(0, 8)}`;
  const engine = resources.use(
    new KubernetesEngine({ client, log, identity, config: { ...config, namespace } }),
  );
  const keys = resources.use(
    await ClusterKeys.open({
      client,
      log,
      namespace,
      rotateAfterSeconds: config.keyRotationSeconds,
      isLeader: () => engine.shared.isLeader,
    }),
  );
  return { engine, key: keys.key, pathKey: keys.pathKey };
}
