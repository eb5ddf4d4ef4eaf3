/** What is to be said of what a sandbox sees. */
import type { Kubectl } from '../../cluster/kubectl.ts';
import type { Verdict } from '../check.ts';
import type { Sighting } from './inside.ts';
import { see } from './look.ts';
import { gatewayApp, sandboxApp, skillsFolder } from './names.ts';
import { kubeletSchema } from './objects.ts';
import { enumerated, type Scene, unseen } from './scene.ts';
import { troublesOf } from './trouble.ts';
import { wayOut } from './way-out.ts';

/** Whether the gateway's name is found from a sandbox. */
export function checkDns({ cluster, look }: Scene, seen: Sighting): Verdict {
  if (seen.is === 'unseen') return { status: 'skip', message: seen.why };
  const name = `${sandboxApp}.${cluster.namespace}.svc`;
  const services = look.services.is === 'seen' ? look.services.value : [];
  const expected = services.find(({ metadata }) => metadata.name === sandboxApp)?.spec.clusterIP;
  if (seen.address !== undefined && (expected === undefined || expected === seen.address))
    return { status: 'ok', message: `a sandbox finds ${name} at ${seen.address}` };
  if (seen.address !== undefined) {
    return {
      status: 'warn',
      message: `a sandbox finds ${name} at ${seen.address}, and the Service is at ${expected}`,
      hint: 'See what the DNS of the cluster says: kubectl --namespace kube-system logs --selector k8s-app=kube-dns',
    };
  }
  return {
    status: 'fail',
    message: `a sandbox does not find ${name}${seen.dnsListens ? ', though DNS takes connections' : ''}`,
    hint: seen.dnsListens
      ? 'See what the DNS of the cluster says: kubectl --namespace kube-system logs --selector k8s-app=kube-dns'
      : `The policy ${sandboxApp} allows kube-dns in kube-system and 169.254.20.10: add what this cluster has in its place.`,
  };
}

/** Whether the policies are there. */
export function checkPolicies({ look }: Scene): Verdict {
  if (look.policies.is === 'hidden') return unseen('the NetworkPolicies', look.policies);
  const found = look.policies.value.map(({ metadata }) => metadata.name);
  const missing = [sandboxApp, gatewayApp].filter((name) => !found.includes(name));
  if (missing.length === 0) return { status: 'ok', message: enumerated(found) };
  return {
    status: 'fail',
    message: `there is no NetworkPolicy ${enumerated(missing)}`,
    hint: 'Run docker/k8s/setup.sh again: they are in sandbox-service.yaml.',
  };
}

/** Whether something enforces them: a sandbox tries what they forbid, and what they allow. */
export function checkIsolation(seen: Sighting): Verdict {
  if (seen.is === 'unseen') return { status: 'skip', message: seen.why };
  const { reached, kept } = seen;
  const names = (targets: typeof kept) => enumerated(targets.map(({ what }) => what));
  if (reached.length > 0) {
    return {
      status: 'fail',
      message: `a sandbox reaches ${names(reached)}, which the policies forbid`,
      hint: 'Nothing enforces NetworkPolicies here, or another one allows it: use a network plugin that does (Calico, Cilium, kube-network-policies).',
    };
  }
  if (kept.length === 0)
    return { status: 'skip', message: 'nothing is known that a sandbox must not reach and that listens' };
  if (seen.address === undefined && !seen.dnsListens) {
    return {
      status: 'warn',
      message: `a sandbox does not reach ${names(kept)}; but it reaches nothing at all, not even DNS`,
      hint: 'See to the network first: this tells nothing of the policies.',
    };
  }
  return { status: 'ok', message: `enforced: a sandbox reaches DNS, and not ${names(kept)}` };
}

/** Whether a pod may have only so many processes. */
export async function checkPids({ kubectl, look }: Scene, seen: Sighting): Promise<Verdict> {
  if (seen.is === 'seen' && seen.pidsLimit !== undefined)
    return { status: 'ok', message: `${seen.pidsLimit} processes a sandbox` };
  // The kubelet limits the pod, whose control group a container does not see.
  const pods = look.pods.is === 'seen' ? look.pods.value : [];
  const nodes = new Set(
    pods.flatMap(({ metadata, spec: { nodeName } }) =>
      metadata.labels?.app === sandboxApp && nodeName !== undefined ? [nodeName] : [],
    ),
  );
  const [node] = nodes;
  if (node === undefined) return { status: 'skip', message: 'there is no sandbox whose node could be asked' };
  const found = await see(() => limitOn(kubectl, node));
  const hint = `Set podPidsLimit in the kubelets' configuration, to 1024 for instance.`;
  if (found.is === 'hidden') {
    const message = `no limit shows in a sandbox, and that of node ${node} may not be read: ${found.why.message}`;
    return { status: 'skip', message, hint: `Ask whoever runs the cluster. ${hint}` };
  }
  if (found.value > 0) return { status: 'ok', message: `${found.value} processes a pod, on node ${node}` };
  return {
    status: 'warn',
    message: `as many as there may be on node ${node}: one sandbox can take all process ids of the node`,
    hint,
  };
}

async function limitOn(kubectl: Kubectl, node: string): Promise<number> {
  const printed = await kubectl(['get', '--raw', `/api/v1/nodes/${node}/proxy/configz`]);
  return kubeletSchema.parse(JSON.parse(printed)).kubeletconfig.podPidsLimit ?? 0;
}

/** Whether skills are where agents look for them, and those of a folder here when one is given. */
export function checkSkills(
  { cluster, look }: Scene,
  seen: Sighting,
  local: ReadonlyMap<string, string> | undefined,
): Verdict {
  const trouble = troublesOf(look, sandboxApp).find(({ about }) => about === 'skills');
  if (trouble) return { status: 'fail', message: trouble.said, hint: wayOut(trouble, cluster) };
  if (seen.is === 'unseen') return { status: 'skip', message: seen.why };
  const { files, isWritable, sums } = seen.skills;
  const hint = 'Give the folder again: docker/k8s/setup.sh --skills-path PATH';
  if (files === undefined) return { status: 'fail', message: `a sandbox has no ${skillsFolder}`, hint };
  if (files === 0) return { status: 'warn', message: `${skillsFolder} is empty`, hint };
  if (isWritable) {
    const message = `a sandbox may write to ${skillsFolder}, which all share`;
    return {
      status: 'fail',
      message,
      hint: 'Mount it with readOnly: true, as sandbox-deployment.yaml does.',
    };
  }
  const message = `${files} file${files === 1 ? '' : 's'} in ${skillsFolder}, read-only`;
  if (!local) return { status: 'ok', message };
  const different = [...new Set([...local.keys(), ...sums.keys()])].filter(
    (path) => local.get(path) !== sums.get(path),
  );
  if (different.length === 0) return { status: 'ok', message: `${message}, the same as here` };
  const shown = enumerated(different.sort().slice(0, 3));
  const others = different.length > 3 ? `, ${different.length} in all` : '';
  return { status: 'fail', message: `${message}, other than here: ${shown}${others}`, hint };
}
