import type { Cluster } from '../../cluster/cluster.ts';
import { kubectlOn } from '../../cluster/kubectl.ts';
import type { Check, Verdict } from '../check.ts';
import { checkBackends } from './backends.ts';
import { openDoor } from './door.ts';
import { lookInside } from './inside.ts';
import { checkDefinition, checkNamespace, checkPodSecurity, checkServices } from './installed.ts';
import { checkLeader } from './leader.ts';
import { lookAt } from './look.ts';
import { checkGatewayPermissions, checkPermissions } from './permissions.ts';
import { checkQuota } from './quota.ts';
import { checkAnswers, checkKubectl } from './reachable.ts';
import { checkGateways, checkImages, checkPool } from './rollout.ts';
import type { Scene } from './scene.ts';
import { checkProbe, trySandbox } from './service.ts';
import { sumsOf } from './skills-here.ts';
import { checkDns, checkIsolation, checkPids, checkPolicies, checkSkills } from './surroundings.ts';

interface ClusterChoice {
  readonly apiKey: string | undefined;
  /** A folder of this machine that sandboxes should see as their skills. */
  readonly skills: string | undefined;
}

/** The names of all checks, in their order. Programs know them. */
const names = [
  'kubectl',
  'cluster',
  'namespace',
  'permissions',
  'gateway permissions',
  'definition',
  'services',
  'pod security',
  'quota',
  'image',
  'gateways',
  'leader',
  'pool',
  'probe',
  'sandbox',
  'dns',
  'skills',
  'pids',
  'policies',
  'isolation',
  'backends',
] as const;
type Name = (typeof names)[number];

/**
 * Checks what sandboxes need of a cluster, and tells each thing when it is known. All names come in every case; what cannot
 * be looked at is skipped.
 *
 * @throws CliError when the folder of skills is none.
 */
export async function* checkCluster(
  cluster: Cluster,
  choice: ClusterChoice,
  signal: AbortSignal,
): AsyncGenerator<Check> {
  const skills = choice.skills === undefined ? undefined : sumsOf(choice.skills);
  const told = new Set<Name>();
  const tell = (name: Name, verdict: Verdict): Check => {
    told.add(name);
    return { name, ...verdict };
  };
  const skipRest = (message: string) =>
    names.filter((name) => !told.has(name)).map((name) => tell(name, { status: 'skip', message }));

  const kubectl = kubectlOn(cluster, signal);
  const client = await checkKubectl(kubectl);
  yield tell('kubectl', client);
  if (client.status === 'fail') return yield* skipRest('it takes kubectl');
  const answers = await checkAnswers(kubectl, cluster);
  yield tell('cluster', answers);
  if (answers.status === 'fail') return yield* skipRest('the cluster does not answer');

  const scene: Scene = { cluster, kubectl, look: await lookAt(kubectl, cluster.namespace) };
  const space = checkNamespace(scene);
  yield tell('namespace', space);
  const [rights, gatewayRights] = await Promise.all([
    checkPermissions(scene),
    checkGatewayPermissions(scene),
  ]);
  yield tell('permissions', rights);
  if (space.status === 'fail') return yield* skipRest('it is not set up');
  yield tell('gateway permissions', gatewayRights);
  yield tell('definition', checkDefinition(scene));
  yield tell('services', checkServices(scene));
  yield tell('pod security', checkPodSecurity(scene));
  yield tell('quota', checkQuota(scene));
  yield tell('image', checkImages(scene));
  yield tell('gateways', checkGateways(scene));
  yield tell('leader', checkLeader(scene));
  const pool = checkPool(scene);
  yield tell('pool', pool);

  await using door = await openDoor(cluster, signal);
  const caller = { cluster, door, apiKey: choice.apiKey, signal };
  const probe = await checkProbe(caller);
  yield tell('probe', probe);
  await using trial = await trySandbox(caller, probe, pool);
  yield tell('sandbox', trial.verdict);

  const from = { kubectl, look: scene.look, namespace: cluster.namespace };
  const [seen, backends] = await Promise.all([
    lookInside(from, trial.inside, skills !== undefined),
    checkBackends(scene),
  ]);
  yield tell('dns', checkDns(scene, seen));
  yield tell('skills', checkSkills(scene, seen, skills));
  yield tell('pids', await checkPids(scene, seen));
  yield tell('policies', checkPolicies(scene));
  yield tell('isolation', checkIsolation(seen));
  yield tell('backends', backends);
}
