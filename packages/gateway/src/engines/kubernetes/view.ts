import { sandboxName } from '../../fleet/name.ts';
import type { Kept, Observer, SandboxName } from '../engine.ts';
import type { Cluster } from './cluster.ts';
import { sandboxLabel } from './names.ts';
import type { Pod, Sandbox } from './objects.ts';
import { belongsTo, endOf } from './pods.ts';
import { Servers } from './servers.ts';

/** What a Sandbox is, by its object and its pod's. */
type Sight =
  /** Its pod may be starting, or may not be there yet. */
  | { readonly is: 'kept'; readonly kept: Kept }
  | { readonly is: 'over'; readonly reason: string }
  /** It was declared under a name that is not that of its owner and id. */
  | { readonly is: 'misnamed'; readonly reason: string };

/** What was told last of the Sandbox of a name. */
interface Told {
  readonly uid: string;
  /** Of its pod, once it had one. */
  readonly podUid: string | undefined;
  readonly isOver: boolean;
}

/** The sandboxes as the fleet sees them: what the objects say, put together, and told when it changes. */
export class View implements Disposable {
  readonly #cluster: Cluster;
  readonly #servers = new Servers();
  readonly #observers = new Set<Observer>();
  readonly #told = new Map<string, Told>();
  readonly #addresses = new Map<string, string>();
  readonly #stops: (() => void)[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#stops.push(
      cluster.pods.onChange((pod, isGone) => this.#podChanged(pod, isGone)),
      cluster.sandboxes.onChange((sandbox, isGone) => this.#sandboxChanged(sandbox, isGone)),
    );
  }

  observe(observer: Observer): void {
    this.#observers.add(observer);
  }

  /** The sandboxes that are there; one that is over is not. */
  list(): Kept[] {
    return this.#cluster.sandboxes.all().flatMap((sandbox) => {
      const sight = this.see(sandbox);
      return sight.is === 'kept' ? [sight.kept] : [];
    });
  }

  /** What a Sandbox is now. */
  see(sandbox: Sandbox): Sight {
    const { id, owner } = sandbox.spec;
    const name = sandboxName(owner, id);
    if (sandbox.metadata.name !== name)
      return { is: 'misnamed', reason: `the name of a Sandbox of this owner and id must be ${name}` };
    if (sandbox.metadata.deletionTimestamp !== undefined) return { is: 'over', reason: 'released' };
    const pod = this.podOf(sandbox);
    if (!pod && this.wasJoined(sandbox)) return { is: 'over', reason: 'its pod is gone' };
    const end = pod && endOf(pod);
    if (end !== undefined) return { is: 'over', reason: end };
    return { is: 'kept', kept: { ...keptOf(sandbox), server: pod && this.serverOf(pod) } };
  }

  /** The pod that a Sandbox and itself agree upon. */
  podOf(sandbox: Sandbox): Pod | undefined {
    const { podName } = sandbox.spec;
    const pod = podName === undefined ? undefined : this.#cluster.pods.get(podName);
    return pod && belongsTo(pod, sandbox) ? pod : undefined;
  }

  serverOf(pod: Pod) {
    return this.#servers.of(pod);
  }

  /** Whether a Sandbox had a pod. */
  wasJoined({ metadata, status }: Sandbox): boolean {
    const told = this.#told.get(metadata.name);
    return status?.phase === 'Bound' || (told?.uid === metadata.uid && told.podUid !== undefined);
  }

  /** Whether an address is that of a pod of ours, claimed or not. */
  hasAddress(address: string): boolean {
    return this.#addresses.has(address);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops) stop();
    this.#observers.clear();
  }

  #podChanged(pod: Pod, isGone: boolean): void {
    const { podIP } = pod.status;
    const { name, uid, labels } = pod.metadata;
    if (podIP !== undefined && !isGone) this.#addresses.set(podIP, uid);
    else if (podIP !== undefined && this.#addresses.get(podIP) === uid) this.#addresses.delete(podIP);
    this.#servers.changed(pod, isGone);
    const sandbox = this.#cluster.sandboxes.get(labels?.[sandboxLabel] ?? '');
    if (sandbox?.spec.podName === name) this.#tell(sandbox, isGone ? endOf(pod) : undefined);
  }

  #sandboxChanged(sandbox: Sandbox, isGone: boolean): void {
    if (!isGone) {
      this.#tell(sandbox);
      return;
    }
    const { name, uid } = sandbox.metadata;
    const told = this.#told.get(name);
    if (told?.uid !== uid) return;
    this.#told.delete(name);
    if (!told.isOver) this.#tellGone(name, 'released');
  }

  #tell(sandbox: Sandbox, podEnd?: string): void {
    const { name, uid } = sandbox.metadata;
    const known = this.#told.get(name);
    const before = known?.uid === uid ? known : undefined;
    if (before?.isOver) return; // The object may stay for a while.
    const sight = this.see(sandbox);
    if (sight.is === 'misnamed') return;
    const podUid = this.podOf(sandbox)?.metadata.uid ?? before?.podUid;
    this.#told.set(name, { uid, podUid, isOver: sight.is === 'over' });
    if (sight.is === 'over') this.#tellGone(name, podEnd ?? sight.reason);
    else for (const observer of this.#observers) observer.changed(sight.kept);
  }

  #tellGone(name: string, reason: string): void {
    for (const observer of this.#observers) observer.gone(name as SandboxName, reason);
  }
}

function keptOf({ metadata, spec }: Sandbox): Omit<Kept, 'server'> {
  const { id, owner, template, mounts, notes } = spec;
  return {
    name: metadata.name as SandboxName,
    id,
    owner,
    createdAt: new Date(metadata.creationTimestamp),
    ...(template !== undefined && { template }),
    ...(mounts && { mounts }),
    ...(notes && { notes }),
  };
}
