import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import * as z from 'zod/mini';
import { GatewayKey, publicHalves, tokenLifeSeconds as usualTokenLifeSeconds } from '../../trust/index.ts';
import { type ApiClient, isApiError } from './api/client.ts';
import { keysName, type Paths, pathsOf } from './names.ts';
import { setupErrorOf } from './setup-error.ts';

export interface ClusterKeysOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  readonly log: Logger;
  /** Seconds after which a key is replaced; 0 is never. */
  readonly rotateAfterSeconds: number;
  /** Whether this gateway is the one that replaces keys. */
  readonly isLeader: () => boolean;
  /** The times below, where a test cannot wait for them. */
  readonly spreadSeconds?: number;
  readonly tokenLifeSeconds?: number;
  readonly lookEveryMs?: number;
}

/**
 * A public key is in every pod within this time: the kubelet renews what it has mounted about every minute. No gateway
 * signs with a key that is younger.
 */
const usualSpreadSeconds = 180;

/** How often gateways look whether another has replaced the key. Twice in the time that a new one has to spread. */
const usualLookEveryMs = 60_000;

/** The names within the Secret, and the file that pods read from the ConfigMap. */
const privateKeysEntry = 'keys.json';
const pathKeyEntry = 'path.key';
const publicKeysEntry = 'public.json';

const storedKeys = z.array(z.object({ pem: z.string(), createdAt: z.string() }));
const metadata = z.object({ resourceVersion: z.string() });
const secretSchema = z.object({ metadata, data: z.record(z.string(), z.string()) });
const configMapSchema = z.object({ metadata, data: z.optional(z.record(z.string(), z.string())) });

/** Newest last. */
interface Stored {
  readonly resourceVersion: string;
  readonly keys: readonly { readonly key: KeyObject; readonly createdMs: number }[];
  readonly pathKey: Buffer;
}

/**
 * The keys that all gateways of a namespace share. The private ones lie in a Secret, which the first gateway makes; the
 * public ones in a ConfigMap of the same name, which every sandbox server sees as a file. Two are valid while one takes
 * over from the other.
 */
export class ClusterKeys implements Disposable {
  readonly key = new GatewayKey();
  readonly #options: ClusterKeysOptions;
  readonly #paths: Paths;
  readonly #closed = new AbortController();
  #pathKey: Buffer = Buffer.alloc(0);

  private constructor(options: ClusterKeysOptions) {
    this.#options = options;
    this.#paths = pathsOf(options.namespace);
  }

  /** @throws {SetupError} when they can be neither read nor made. */
  static async open(options: ClusterKeysOptions): Promise<ClusterKeys> {
    const keys = new ClusterKeys(options);
    try {
      await keys.#look();
    } catch (error) {
      throw setupErrorOf(error, options.namespace);
    }
    void keys.#keepLooking();
    return keys;
  }

  /** What path secrets are derived from. */
  get pathKey(): Buffer {
    return this.#pathKey;
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#closed;
    const { lookEveryMs = usualLookEveryMs } = this.#options;
    while (!signal.aborted) {
      await delay(lookEveryMs, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.error({ err: error }, 'the keys could not be looked at; the last ones are used');
      }
    }
  }

  async #look(): Promise<void> {
    let stored = (await this.#read()) ?? (await this.#make());
    if (this.#options.isLeader()) stored = await this.#rotate(stored);
    await this.#publish(stored);
    this.#pathKey = stored.pathKey;
    const { spreadSeconds = usualSpreadSeconds } = this.#options;
    const spread = stored.keys.filter(({ createdMs }) => isOlder(createdMs, spreadSeconds));
    // None when the first was just made: pods that have an older one do not exist.
    const current = spread.at(-1) ?? stored.keys[0];
    if (current) this.key.use(current.key);
  }

  /** Adds a key when the newest is old, and takes one away that no token can be signed with any more. */
  async #rotate(stored: Stored): Promise<Stored> {
    const paths = this.#paths;
    const { client, rotateAfterSeconds, log } = this.#options;
    const { spreadSeconds = usualSpreadSeconds, tokenLifeSeconds = usualTokenLifeSeconds } = this.#options;
    const newest = stored.keys.at(-1);
    const isDue = rotateAfterSeconds > 0 && newest && isOlder(newest.createdMs, rotateAfterSeconds);
    const isOldDone =
      stored.keys.length > 1 && newest && isOlder(newest.createdMs, 2 * spreadSeconds + tokenLifeSeconds);
    if (!isDue && !isOldDone) return stored;
    const kept = stored.keys.slice(-1);
    const keys = isDue ? [...kept, newKey()] : kept;
    const body = {
      metadata: { resourceVersion: stored.resourceVersion },
      data: { [privateKeysEntry]: encode(JSON.stringify(keys.map(store))) },
    };
    try {
      const secret = await client.call(secretSchema, {
        method: 'PATCH',
        path: `${paths.secrets}/${keysName}`,
        body,
      });
      log.info({ added: isDue, keys: keys.length }, 'the keys of the gateways were rotated');
      return parse(secret);
    } catch (error) {
      if (isApiError(error, 409)) return (await this.#read()) ?? stored; // Another has just done it.
      throw error;
    }
  }

  async #read(): Promise<Stored | undefined> {
    const paths = this.#paths;
    const { client } = this.#options;
    try {
      return parse(await client.call(secretSchema, { path: `${paths.secrets}/${keysName}` }));
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  async #make(): Promise<Stored> {
    const paths = this.#paths;
    const { client } = this.#options;
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: keysName },
      data: {
        [privateKeysEntry]: encode(JSON.stringify([store(newKey())])),
        [pathKeyEntry]: randomBytes(32).toString('base64'),
      },
    };
    try {
      return parse(await client.call(secretSchema, { method: 'POST', path: paths.secrets, body }));
    } catch (error) {
      const made = isApiError(error, 409) ? await this.#read() : undefined;
      if (made) return made;
      throw error;
    }
  }

  /** Sees to it that the ConfigMap has the public half of each key. */
  async #publish({ keys }: Stored): Promise<void> {
    const paths = this.#paths;
    const { client } = this.#options;
    const data = { [publicKeysEntry]: publicHalves(keys.map(({ key }) => key)) };
    const path = `${paths.configMaps}/${keysName}`;
    try {
      const found = await client.call(configMapSchema, { path });
      if (found.data?.[publicKeysEntry] === data[publicKeysEntry]) return;
      await client.call(configMapSchema, { method: 'PATCH', path, body: { data } });
    } catch (error) {
      if (!isApiError(error, 404)) throw error;
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: keysName }, data };
      try {
        await client.call(configMapSchema, { method: 'POST', path: paths.configMaps, body });
      } catch (failure) {
        if (!isApiError(failure, 409)) throw failure; // Another gateway has made it, with the same keys.
      }
    }
  }
}

function newKey() {
  return { key: generateKeyPairSync('ed25519').privateKey, createdMs: Date.now() };
}

function store({ key, createdMs }: Stored['keys'][number]) {
  return {
    pem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    createdAt: new Date(createdMs).toISOString(),
  };
}

function parse({ metadata: { resourceVersion }, data }: z.output<typeof secretSchema>): Stored {
  const keys = storedKeys.parse(JSON.parse(decode(data[privateKeysEntry]).toString()));
  return {
    resourceVersion,
    keys: keys.map(({ pem, createdAt }) => ({
      key: createPrivateKey(pem),
      createdMs: Date.parse(createdAt),
    })),
    pathKey: decode(data[pathKeyEntry]),
  };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(base64 = ''): Buffer {
  return Buffer.from(base64, 'base64');
}

function isOlder(createdMs: number, seconds: number): boolean {
  return Date.now() - createdMs >= seconds * 1000;
}
