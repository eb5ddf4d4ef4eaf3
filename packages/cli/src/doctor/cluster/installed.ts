/** Whether the objects are there that setup makes, and are as they must be. */
import { typed } from '../../cluster/cluster.ts';
import type { Verdict } from '../check.ts';
import { definition, ports, provisionerService, sandboxApp } from './names.ts';
import { enumerated, type Scene, unseen } from './scene.ts';
import { refusalsOf } from './trouble.ts';

const setupHint = 'Set it up: docker/k8s/setup.sh; or name another namespace with --namespace.';

export function checkNamespace({ cluster, look }: Scene): Verdict {
  const { namespace } = cluster;
  if (look.namespace.is === 'hidden') return unseen(`namespace ${namespace}`, look.namespace);
  const found = look.namespace.value;
  if (!found) return { status: 'fail', message: `there is no namespace ${namespace}`, hint: setupHint };
  if (found.status?.phase === 'Terminating') {
    return {
      status: 'fail',
      message: `namespace ${namespace} is being deleted`,
      hint: `Wait until it has gone: kubectl wait --for=delete namespace/${namespace}; then set it up again.`,
    };
  }
  return { status: 'ok', message: namespace };
}

/** The kind of object that a sandbox is. */
export function checkDefinition({ look }: Scene): Verdict {
  const { name, version } = definition;
  const hint = 'Run docker/k8s/setup.sh again, or: kubectl apply -f docker/k8s/namespace.yaml';
  if (look.definition.is === 'hidden') return unseen(`the definition ${name}`, look.definition);
  const found = look.definition.value;
  if (!found) return { status: 'fail', message: `there is no definition ${name}`, hint };
  const served = found.spec.versions
    .filter((candidate) => candidate.served)
    .map((candidate) => candidate.name);
  if (!served.includes(version)) {
    const message = `${name} is served as ${enumerated(served)}, and gateways speak ${version}`;
    return { status: 'fail', message, hint };
  }
  const established = found.status?.conditions?.find(({ type }) => type === 'Established');
  if (established?.status !== 'True') {
    const message = `${name} is not in effect: ${established?.message ?? 'the API server has not taken it up'}`;
    return { status: 'fail', message, hint };
  }
  return { status: 'ok', message: `${name}, ${version}` };
}

/** The names by which backends find the gateway. */
export function checkServices({ look }: Scene): Verdict {
  if (look.services.is === 'hidden') return unseen('the Services', look.services);
  const found = new Map(look.services.value.map((service) => [service.metadata.name, service]));
  const hint = 'Run docker/k8s/setup.sh again: it replaces what cannot be changed.';
  const faults = Object.entries(ports).flatMap(([name, port]) => {
    const service = found.get(name);
    if (!service) return [`there is no Service ${name}`];
    const { clusterIP, selector, ports: open = [] } = service.spec;
    if (clusterIP === 'None')
      return [`Service ${name} is headless, so that a conversation's requests scatter`];
    if (selector?.app === sandboxApp) return [`Service ${name} leads past the gateway`];
    if (!open.some((candidate) => candidate.port === port)) return [`Service ${name} has no port ${port}`];
    return [];
  });
  if (faults.length > 0) return { status: 'fail', message: faults.join('; '), hint };
  const exposed = Object.keys(ports).filter((name) => found.get(name)?.spec.type !== 'ClusterIP');
  if (exposed.length > 0) {
    return {
      status: 'warn',
      message: `${enumerated(exposed)} can be reached from outside of the cluster: whoever does may run code`,
      hint: 'Make them ClusterIP again (setup.sh does), and use kubectl port-forward; or ask for a key: setup.sh --auth',
    };
  }
  const address = found.get(sandboxApp)?.spec.clusterIP ?? '';
  return { status: 'ok', message: `${sandboxApp} at ${address}:8080, ${provisionerService} on 8002` };
}

const enforceLabel = 'pod-security.kubernetes.io/enforce';

/** Whether the level of pod security that the namespace enforces lets sandboxes start. */
export function checkPodSecurity({ cluster, look }: Scene): Verdict {
  if (look.namespace.is === 'hidden') return unseen('the labels of the namespace', look.namespace);
  const level = look.namespace.value?.metadata.labels?.[enforceLabel] ?? 'privileged';
  const refusal = refusalsOf(look).find((said) => said.includes('violates PodSecurity'));
  const hostPath = hostPathOf(look);
  if (level === 'privileged') {
    const audited = look.namespace.value?.metadata.labels?.['pod-security.kubernetes.io/audit'];
    return { status: 'ok', message: `nothing is enforced${audited ? `; ${audited} is audited` : ''}` };
  }
  if (hostPath === undefined && !refusal) return { status: 'ok', message: `${level} is enforced` };
  const reason = refusal ?? `sandboxes take their skills from the node's folder ${hostPath}`;
  return {
    status: 'fail',
    message: `${level} is enforced, which refuses pods: ${reason}`,
    hint:
      `Take the skills from a claim (docker/k8s/skills-pv-pvc.yaml.bak), or enforce nothing: ` +
      typed(cluster, `label namespace ${cluster.namespace} ${enforceLabel}-`),
  };
}

function hostPathOf({ deployments }: Scene['look']): string | undefined {
  if (deployments.is === 'hidden') return undefined;
  const pool = deployments.value.find(({ metadata }) => metadata.name === sandboxApp);
  return pool?.spec.template.spec.volumes?.find(({ hostPath }) => hostPath)?.hostPath?.path;
}
