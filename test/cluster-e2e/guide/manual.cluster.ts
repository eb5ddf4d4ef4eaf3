/** The guide's way by hand, beside what setup.sh does; taking all of it away again, in whatever order; skills from a volume. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sandboxImage } from '../../cluster/paddock-images.ts';
import { type Backend, startBackend } from './backend.ts';
import { differences, installedObjects, type Objects, rowsOf } from './listing.ts';
import { openPlace, type Place, placeTimeoutMs } from './place.ts';
import { type Reader, startReading } from './reader.ts';

let place: Place;
let reader: Reader;
let backend: Backend;
/** What is on the cluster once it was put there by hand. */
let byHand: Objects;

beforeAll(async () => {
  place = await openPlace(`guide-manual-${process.pid}`);
  reader = startReading('manual', place);
  // The images of somebody else's cluster are what setup.sh brings: `make images` is not enough for every kind.
  if (!place.own) {
    await reader.run('Quick Start / 2. Run Setup Script', './setup.sh');
    await reader.run(cleanup, './setup.sh --cleanup');
  }
  backend = await startBackend(place, reader, sandboxImage);
}, placeTimeoutMs);

afterAll(async () => {
  reader?.[Symbol.dispose]();
  await place?.[Symbol.asyncDispose]();
});

/** Some of what there is to compare, of each source: the files, the cluster's controllers, the gateway. */
const some = [
  ...[
    'CustomResourceDefinition sandboxes.paddock.dev',
    'Deployment deer-flow-sandbox',
    'Namespace deer-flow',
  ],
  ...['NetworkPolicy deer-flow-gateway', 'Role deer-flow-gateway', 'Service deer-flow-provisioner'],
  ...[
    expect.stringMatching(/^ReplicaSet deer-flow-sandbox-/),
    expect.stringMatching(/^Pod deer-flow-gateway-/),
  ],
  ...['ConfigMap paddock-keys', 'Secret paddock-keys'],
];
const cleanup = 'Cleanup / Remove All Resources';

describe('Manual Deployment', { timeout: 120_000 }, () => {
  it('1 to 3: three commands put all of it on the cluster', async () => {
    await deployByHand();
    byHand = await installedObjects(place);
    // Else the comparison below would say nothing.
    expect([...byHand.keys()]).toEqual(expect.arrayContaining(some));
    expect(await backend.run('echo it works; ls /mnt/skills')).toMatch(/^it works\n.+/);
  });

  it('4. Verify Deployment: each command shows it', async () => {
    const section = 'Manual Deployment / 4. Verify Deployment';
    // The conversation has taken a pod, and another starts in its place.
    await untilReady();
    const { stdout: all } = await reader.run(section, 'kubectl get all -n deer-flow');
    for (const name of [
      'service/deer-flow-sandbox',
      'deployment.apps/deer-flow-sandbox',
      'pod/deer-flow-gateway-',
    ]) {
      expect(all).toContain(name);
    }
    const { stdout: pods } = await reader.run(section, 'kubectl get pods -n deer-flow');
    const states = rowsOf(pods).map(({ READY, STATUS }) => `${READY} ${STATUS}`);
    // The conversation's, the one that waits, two gateways.
    expect(states).toEqual(Array(4).fill('1/1 Running'));
    const { stdout: logs } = await reader.run(section, 'kubectl logs -n deer-flow -l app=deer-flow-sandbox');
    expect(logs).toMatch(/^ready$/m);
    const describePods = 'kubectl describe pod -n deer-flow -l app=deer-flow-sandbox';
    const { stdout: described } = await reader.run(section, describePods);
    expect(described).toMatch(/^ +Path: +.*paddock\/skills$/m);
  });
});

describe('Cleanup / Remove All Resources', { timeout: 180_000 }, () => {
  it('by hand, in the order of the guide: nothing is left', async () => {
    await reader.run(cleanup, 'kubectl delete -f sandbox-deployment.yaml');
    await reader.run(cleanup, 'kubectl delete -f sandbox-service.yaml');
    await reader.run(cleanup, 'kubectl delete namespace deer-flow');
    expect(await leftovers()).toEqual([]);
  });

  it('setup.sh puts the same on the cluster as the commands by hand', async () => {
    await reader.run('Quick Start / 2. Run Setup Script', './setup.sh');
    await untilReady();
    expect(differences(byHand, await installedObjects(place))).toEqual([]);
  });

  it('./setup.sh --cleanup: nothing is left, conversations included', async () => {
    await backend.run('echo it works', { id: 'talk' });
    await reader.run(cleanup, './setup.sh --cleanup');
    expect(await leftovers()).toEqual([]);
    const definition = await place.kubectl('get', 'crd', 'sandboxes.paddock.dev', '--output=name');
    expect(definition).toContain('sandboxes.paddock.dev');
  });

  it('by hand, the other way round: nothing is left', async () => {
    await deployByHand();
    await backend.run('echo it works');
    // Gateways and their rights first: nobody is there to see the sandboxes off.
    await reader.run(cleanup, 'kubectl delete -f sandbox-service.yaml');
    await reader.run(cleanup, 'kubectl delete -f sandbox-deployment.yaml');
    await reader.run(cleanup, 'kubectl delete namespace deer-flow');
    expect(await leftovers()).toEqual([]);
  });
});

describe('Production Considerations', { timeout: 180_000 }, () => {
  it('Storage: skills from a volume', async () => {
    const section = 'Production Considerations / Storage';
    const skills = reader.folder('srv-skills');
    writeFileSync(join(skills, 'SKILL.md'), 'from a volume\n');
    await reader.run('Manual Deployment / 1. Create Namespace', 'kubectl apply -f namespace.yaml');
    const volume = "sed 's|__SKILLS_PATH__|/srv/skills|g' skills-pv-pvc.yaml.bak | kubectl apply -f -";
    await reader.run(section, volume, { with: { '/srv/skills': skills } });
    await reader.run(section, 'kubectl apply -k .');
    await untilReady();
    expect(await backend.run('cat /mnt/skills/SKILL.md')).toBe('from a volume');
    expect(await backend.run('touch /mnt/skills/x 2>&1 || echo refused')).toMatch(
      /Read-only file system\nrefused$/,
    );
  });

  it('Security: with a claim, the level restricted can be enforced', async () => {
    const level = 'kubectl label namespace deer-flow pod-security.kubernetes.io/enforce=restricted';
    const { stderr } = await reader.run('Production Considerations / Security', level);
    // The pods that run already would be named here.
    expect(stderr).toBe('');
    await place.kubectl('delete', 'pods', '--namespace=deer-flow', '--all');
    await untilReady();
    expect(await backend.run('cat /mnt/skills/SKILL.md', { id: 'restricted' })).toBe('from a volume');
  });

  it('a namespace that is deleted as it is goes, with all in it', async () => {
    await reader.run(cleanup, 'kubectl delete namespace deer-flow');
    expect(await leftovers()).toEqual(['persistentvolume/deer-flow-skills']);
    await place.kubectl('delete', 'persistentvolume', 'deer-flow-skills');
  });
});

describe('the guide', () => {
  it('has no command in these sections that was not run', () => {
    expect(reader.missed()).toEqual([]);
  });
});

async function deployByHand(): Promise<void> {
  await reader.run('Manual Deployment / 1. Create Namespace', 'kubectl apply -f namespace.yaml');
  await reader.run('Manual Deployment / 2. Create Service', 'kubectl apply -f sandbox-service.yaml');
  const deploy = `sed 's|__SKILLS_PATH__|/Users/feng/Projects/deer-flow/skills|g' \\
  sandbox-deployment.yaml | kubectl apply -f -`;
  const skills = join(reader.checkout, 'skills');
  const values = { '/Users/feng/Projects/deer-flow/skills': skills };
  await reader.run('Manual Deployment / 3. Deploy Sandbox', deploy, { with: values });
  await untilReady();
}

async function untilReady(): Promise<void> {
  for (const name of ['deer-flow-gateway', 'deer-flow-sandbox']) {
    await place.kubectl('rollout', 'status', `deployment/${name}`, '--namespace=deer-flow', '--timeout=90s');
  }
}

/** What is there of ours, but for the definition of sandboxes, which other namespaces may need. */
async function leftovers(): Promise<string[]> {
  const ours = ['--selector=app.kubernetes.io/part-of=paddock', '--all-namespaces'];
  const kinds =
    'deployments,replicasets,pods,services,serviceaccounts,roles,rolebindings,networkpolicies,configmaps,secrets,pvc';
  const found = await Promise.all([
    place.kubectl('get', 'namespace', 'deer-flow', '--ignore-not-found', '--output=name'),
    place.kubectl('get', kinds, ...ours, '--output=name'),
    place.kubectl('get', 'sandboxes', '--all-namespaces', '--output=name'),
    place.kubectl(
      'get',
      'pv,clusterroles,clusterrolebindings',
      '--selector=app.kubernetes.io/part-of=paddock',
      '--output=name',
    ),
  ]);
  return found.flatMap((names) => names.split('\n').filter((name) => name !== ''));
}
