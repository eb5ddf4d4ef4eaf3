/** Whether gateways and sandboxes are ready. */
import { typed } from '../../cluster/cluster.ts';
import type { Verdict } from '../check.ts';
import { gatewayApp, sandboxApp, sandboxLabel } from './names.ts';
import type { Deployment, Pod } from './objects.ts';
import { enumerated, type Scene, unseen } from './scene.ts';
import { isOf, isReady, type Trouble, troublesOf } from './trouble.ts';
import { wayOut } from './way-out.ts';

/** Whether the nodes get the images that gateways and sandboxes run. */
export function checkImages({ cluster, look }: Scene): Verdict {
  if (look.pods.is === 'hidden') return unseen('the pods', look.pods);
  if (look.deployments.is === 'hidden') return unseen('the Deployments', look.deployments);
  const [missing] = [gatewayApp, sandboxApp].flatMap((app) =>
    troublesOf(look, app).filter(({ about }) => about === 'image'),
  );
  if (missing) return failed(missing, cluster);
  const images = look.deployments.value
    .filter(({ metadata }) => metadata.name === gatewayApp || metadata.name === sandboxApp)
    .flatMap(({ spec }) => spec.template.spec.containers.map(({ image }) => image ?? ''));
  const there = look.pods.value.flatMap(({ spec, status }) => {
    const fetched = status.containerStatuses?.filter(({ imageID }) => imageID).map(({ name }) => name) ?? [];
    return spec.containers.filter(({ name }) => fetched.includes(name)).map(({ image }) => image);
  });
  const untried = images.filter((image) => !there.includes(image));
  if (untried.length === 0) return { status: 'ok', message: `the nodes have ${enumerated(images)}` };
  return {
    status: 'skip',
    message: `no pod has come so far as to need ${enumerated(untried)}`,
    hint: 'See to what the checks of gateways and pool say.',
  };
}

/** Whether all gateways are ready. */
export function checkGateways(scene: Scene): Verdict {
  const found = rolloutOf(scene, gatewayApp);
  if ('status' in found) return found;
  return { status: 'ok', message: `${found.ready} of ${found.wanted} ready` };
}

/** Whether sandboxes wait to be claimed. */
export function checkPool(scene: Scene): Verdict {
  const { cluster, look } = scene;
  const found = rolloutOf(scene, sandboxApp);
  if ('status' in found) return found;
  if (look.pods.is === 'hidden') return unseen('the pods', look.pods);
  const ours = look.pods.value.filter((pod) => isOf(sandboxApp, pod));
  const free = ours.filter((pod) => isFree(pod) && isReady(pod)).length;
  const claimed = ours.filter((pod) => !isFree(pod)).length;
  const message = `${free} of ${found.wanted} ready for new conversations, ${claimed} in use`;
  if (found.wanted > 0 && free > 0) return { status: 'ok', message };
  return {
    status: 'warn',
    message: `${message}: the next conversation waits for a pod to start`,
    hint: `Keep more ready: ${typed(cluster, `scale deployment/${sandboxApp} --replicas=2`)}`,
  };
}

function isFree({ metadata }: Pod): boolean {
  return (
    metadata.labels?.[sandboxLabel] === undefined && metadata.labels?.['pod-template-hash'] !== undefined
  );
}

interface Rollout {
  readonly ready: number;
  readonly wanted: number;
}

/** A rollout that is done, or what is to be said of one that is not. */
function rolloutOf({ cluster, look }: Scene, name: string): Rollout | Verdict {
  if (look.deployments.is === 'hidden') return unseen(`Deployment ${name}`, look.deployments);
  const deployment = look.deployments.value.find(({ metadata }) => metadata.name === name);
  if (!deployment) {
    return {
      status: 'fail',
      message: `there is no Deployment ${name}`,
      hint: 'Set it up: docker/k8s/setup.sh; or name another namespace with --namespace.',
    };
  }
  const { wanted, ready, isDone } = progressOf(deployment);
  if (isDone) return { ready, wanted };
  const [trouble] = troublesOf(look, name);
  const far = `${ready} of ${wanted} ready`;
  if (!trouble) {
    const hint = `Wait for it: ${typed(cluster, `rollout status deployment/${name}`)}`;
    return { status: ready > 0 ? 'warn' : 'fail', message: `${far}, the others are on their way`, hint };
  }
  const { status, message, hint } = failed(trouble, cluster);
  return { status: ready > 0 ? 'warn' : status, message: `${far}: ${message}`, ...(hint && { hint }) };
}

function progressOf({ metadata, spec, status }: Deployment) {
  const wanted = spec.replicas ?? 1;
  const ready = status?.availableReplicas ?? 0;
  const isObserved = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  const isDone = isObserved && (status?.updatedReplicas ?? 0) >= wanted && ready >= wanted;
  return { wanted, ready, isDone: isDone && (status?.replicas ?? 0) <= wanted };
}

function failed(trouble: Trouble, cluster: Scene['cluster']): Verdict {
  const { pod, said } = trouble;
  const where = pod === undefined ? '' : `pod ${pod}: `;
  return { status: 'fail', message: `${where}${said}`, hint: wayOut(trouble, cluster) };
}
