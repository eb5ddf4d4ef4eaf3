import type { Server, ServerAddress } from '../engine.ts';
import type { Pod } from './objects.ts';
import { endOf, lastEnd, runOf } from './pods.ts';

/** The sandbox server of a pod, for one run of its container. */
class PodServer implements Server {
  readonly id: string;
  readonly address: ServerAddress;
  readonly run: string;
  readonly ended: Promise<string>;
  readonly end: (reason: string) => void;

  constructor(id: string, host: string, run: string, port: number) {
    this.id = id;
    this.address = { host, port };
    this.run = run;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.end = resolve;
  }
}

/** The port of sandbox servers in their pods. */
const serverPort = 8080;

/** The sandbox servers of pods: tells when the container of one was started again, or its pod has gone. */
export class Servers {
  readonly #byUid = new Map<string, PodServer>();

  /** The server that a pod has now. */
  of(pod: Pod): Server | undefined {
    const run = runOf(pod);
    if (run === undefined || pod.status.podIP === undefined || endOf(pod) !== undefined)
      return this.#byUid.get(pod.metadata.uid);
    const known = this.#byUid.get(pod.metadata.uid);
    if (known?.run === run) return known;
    const server = new PodServer(pod.metadata.uid, pod.status.podIP, run, serverPort);
    known?.end(lastEnd(pod) ?? 'its container was started again');
    this.#byUid.set(pod.metadata.uid, server);
    return server;
  }

  /** Takes note of what a pod has become. */
  changed(pod: Pod, isGone: boolean): void {
    const known = this.#byUid.get(pod.metadata.uid);
    if (!known) return;
    const hasPhaseEnded = pod.status.phase === 'Failed' || pod.status.phase === 'Succeeded';
    if (!isGone && !hasPhaseEnded && runOf(pod) === known.run) return;
    this.#byUid.delete(pod.metadata.uid);
    known.end((isGone || hasPhaseEnded ? endOf(pod) : undefined) ?? lastEnd(pod) ?? 'its pod is gone');
  }
}
