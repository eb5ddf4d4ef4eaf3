import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import * as z from 'zod/mini';
import { type ApiClient, ApiError } from './client.ts';

/** What every object has. */
export interface Stored {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string | undefined;
  };
}

/** Which objects are kept in step, and how. */
export interface MirrorOptions<Schema extends z.ZodMiniType<Stored>> {
  readonly client: ApiClient;
  readonly log: Logger;
  /** Of the list, such as `/api/v1/namespaces/x/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly schema: Schema;
}

const watchSeconds = 290;

/** Thousands of pods are megabytes. */
const listTimeoutMs = 30_000;

/** The API server sends a bookmark about every minute: a stream that is silent for longer is dead. */
const silenceLimitMs = 130_000;

const firstPauseMs = 200;
const longestPauseMs = 10_000;

const watchEvent = z.object({ type: z.string(), object: z.unknown() });

/** The objects of a list as they are now: listed once, then watched, and listed again after any doubt. */
export class Mirror<Schema extends z.ZodMiniType<Stored>> implements Disposable {
  readonly #options: MirrorOptions<Schema>;
  readonly #objects = new Map<string, z.output<Schema>>();
  /** Deleted by us, while the watch may still tell of changes before that. */
  readonly #dropped = new Set<string>();
  readonly #listeners = new Set<(object: z.output<Schema>, isGone: boolean) => void>();
  readonly #closed = new AbortController();

  constructor(options: MirrorOptions<Schema>) {
    this.#options = options;
  }

  /**
   * Lists the objects, and keeps them in step from then on.
   *
   * @throws {ApiError} when they cannot be listed.
   */
  async start(): Promise<void> {
    const version = await this.#list();
    void this.#keepUp(version);
  }

  /**
   * Lists the objects again: what is there now is here afterwards.
   *
   * @throws {ApiError}
   */
  async refresh(): Promise<void> {
    await this.#list();
  }

  get(name: string): z.output<Schema> | undefined {
    return this.#objects.get(name);
  }

  all(): z.output<Schema>[] {
    return [...this.#objects.values()];
  }

  /** Told of every change from now on. Gives the function that ends it. */
  onChange(listener: (object: z.output<Schema>, isGone: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes what the API server answered to a write of ours: the watch tells the same a moment later. */
  put(object: z.output<Schema>): void {
    const { name, uid, resourceVersion } = object.metadata;
    if (this.#dropped.has(uid)) return;
    const known = this.#objects.get(name);
    if (known && isAtLeast(known.metadata.resourceVersion, resourceVersion)) return;
    if (known && known.metadata.uid !== uid) this.#tell(known, true);
    this.#objects.set(name, object);
    this.#tell(object, false);
  }

  /** Takes note that an object of ours is deleted, before the watch tells. */
  drop(name: string, uid: string): void {
    this.#dropped.add(uid);
    this.#remove(name, uid);
  }

  /**
   * Waits until a question has an answer; it is asked at once and after every change.
   *
   * @throws the reason of the signal, or what the question throws.
   */
  until<T>(ask: () => T | undefined, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const first = ask();
      if (first !== undefined) return resolve(first);
      const end = () => {
        stop();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal.reason);
      };
      const stop = this.onChange(() => {
        try {
          const answer = ask();
          if (answer === undefined) return;
          end();
          resolve(answer);
        } catch (error) {
          end();
          reject(error);
        }
      });
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort);
    });
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#listeners.clear();
  }

  async #keepUp(listed: string): Promise<void> {
    const { log, path } = this.#options;
    let version: string | undefined = listed;
    let pauseMs = firstPauseMs;
    while (!this.#closed.signal.aborted) {
      try {
        version ??= await this.#list();
        version = await this.#watch(version);
        pauseMs = firstPauseMs;
      } catch (error) {
        version = undefined;
        if (this.#closed.signal.aborted) return;
        log.warn({ err: error, path }, 'a watch broke; the list is read again');
        await delay(pauseMs * (0.5 + Math.random()), undefined, { signal: this.#closed.signal }).catch(
          () => {},
        );
        pauseMs = Math.min(longestPauseMs, pauseMs * 2);
      }
    }
  }

  async #list(): Promise<string> {
    const { client, path, query, schema } = this.#options;
    const list = z.object({
      metadata: z.object({ resourceVersion: z.string() }),
      items: z.array(schema),
    });
    const found = await client.call(list, { path, timeoutMs: listTimeoutMs, ...(query && { query }) });
    const present = new Set(found.items.map(({ metadata }) => metadata.uid));
    this.#dropped.clear();
    for (const { metadata } of this.all()) {
      // What was written after the list was read is not in it, and is there.
      const isOlder = isAtLeast(found.metadata.resourceVersion, metadata.resourceVersion);
      if (isOlder && !present.has(metadata.uid)) this.#remove(metadata.name, metadata.uid);
    }
    for (const item of found.items) this.put(item);
    return found.metadata.resourceVersion;
  }

  /** @returns the version from which a next watch goes on. */
  async #watch(from: string): Promise<string> {
    const { client, path, query, schema } = this.#options;
    let version = from;
    using silence = new Silence(silenceLimitMs);
    const signal = AbortSignal.any([this.#closed.signal, silence.signal]);
    const asked = {
      ...query,
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: from,
      timeoutSeconds: String(watchSeconds),
    };
    for await (const line of client.lines({ path, query: asked }, signal)) {
      silence.broken();
      const { type, object } = watchEvent.parse(JSON.parse(line));
      if (type === 'ERROR') {
        const { code = 0, message = 'unknown' } = errorObject.parse(object);
        throw new ApiError(code, 'Watch', message);
      }
      if (type === 'BOOKMARK') {
        version = bookmark.parse(object).metadata.resourceVersion;
        continue;
      }
      const changed = schema.parse(object);
      version = changed.metadata.resourceVersion;
      if (type === 'DELETED') this.#deleted(changed);
      else this.put(changed);
    }
    return version;
  }

  #deleted(object: z.output<Schema>): void {
    const { name, uid } = object.metadata;
    if (!this.#dropped.delete(uid)) this.#remove(name, uid, object);
  }

  #remove(name: string, uid: string, last = this.#objects.get(name)): void {
    if (this.#objects.get(name)?.metadata.uid !== uid) return;
    this.#objects.delete(name);
    if (last !== undefined) this.#tell(last, true);
  }

  #tell(object: z.output<Schema>, isGone: boolean): void {
    for (const listener of [...this.#listeners]) listener(object, isGone);
  }
}

const errorObject = z.object({ code: z.optional(z.number()), message: z.optional(z.string()) });
const bookmark = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

/** Aborts when nothing has broken it for so long. */
class Silence implements Disposable {
  readonly #limitMs: number;
  readonly #abort = new AbortController();
  readonly signal = this.#abort.signal;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.broken();
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort.abort(new Error('the stream is silent')), this.#limitMs);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Resource versions are numbers that grow with every write, and etcd's own: KEP-5504 makes it a promise. */
function isAtLeast(version: string, other: string): boolean {
  return BigInt(version) >= BigInt(other);
}
