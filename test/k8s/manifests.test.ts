import { version } from '@paddock/protocol';
import { settings } from '@paddock/protocol/config';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { allObjects, type KubernetesObject, type Labels, objectsIn, textOf } from './folder.ts';

const objects = allObjects();
const find = (kind: string, name: string): KubernetesObject => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const pool = find('Deployment', 'deer-flow-sandbox');
const gateway = find('Deployment', 'deer-flow-gateway');
const deployments = [pool, gateway];
const containerOf = ({ spec }: KubernetesObject) => spec.template.spec.containers[0];
const labelsOf = ({ spec }: KubernetesObject): Labels => spec.template.metadata.labels;
const fits = (selector: Labels, labels: Labels) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe('the manifests', () => {
  it('lie in the files that the guide names', () => {
    const kinds = (file: string) =>
      objectsIn(textOf(file)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(kinds('namespace.yaml')).toEqual([
      'Namespace deer-flow',
      'CustomResourceDefinition sandboxes.paddock.dev',
    ]);
    expect(kinds('sandbox-service.yaml')).toContain('Service deer-flow-sandbox');
    expect(kinds('sandbox-deployment.yaml')).toEqual(['Deployment deer-flow-sandbox']);
  });

  it('name the namespace wherever there is one, and belong together', () => {
    const clusterWide = ['Namespace', 'CustomResourceDefinition'];
    for (const { kind, metadata } of objects) {
      expect(metadata.namespace, kind).toBe(clusterWide.includes(kind) ? undefined : 'deer-flow');
      expect(metadata.labels, kind).toMatchObject({ 'app.kubernetes.io/part-of': 'paddock' });
    }
  });

  it('select what they mean', () => {
    for (const deployment of deployments) {
      expect(fits(deployment.spec.selector.matchLabels, labelsOf(deployment))).toBe(true);
    }
    for (const name of ['deer-flow-sandbox', 'deer-flow-provisioner']) {
      const { spec } = find('Service', name);
      expect(spec.type).toBe('ClusterIP');
      expect(spec.clusterIP).toBeUndefined();
      expect(fits(spec.selector, labelsOf(gateway))).toBe(true);
      // No Service leads to a sandbox.
      expect(fits(spec.selector, labelsOf(pool))).toBe(false);
      const ports = containerOf(gateway).ports.map((port: { name: string }) => port.name);
      expect(ports).toContain(spec.ports[0].targetPort);
    }
    expect(find('Service', 'deer-flow-sandbox').spec.ports[0].port).toBe(8080);
    expect(find('Service', 'deer-flow-provisioner').spec.ports[0].port).toBe(8002);
  });

  it('run this version, from the node when it has it', () => {
    for (const [name, deployment] of [
      ['sandbox', pool],
      ['gateway', gateway],
    ] as const) {
      expect(containerOf(deployment)).toMatchObject({
        image: `paddock/${name}:${version}`,
        imagePullPolicy: 'IfNotPresent',
      });
    }
  });

  it('set only settings that there are', () => {
    const known: string[] = Object.values(settings).map(({ env }) => env);
    const set = containerOf(gateway).env.map((variable: { name: string }) => variable.name);
    expect(set.filter((name: string) => !known.includes(name))).toEqual(['POD_NAMESPACE']);
  });
});

describe('a pod', () => {
  it('has no rights', () => {
    for (const { spec } of deployments) {
      const pod = spec.template.spec;
      expect(pod.enableServiceLinks).toBe(false);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('of a sandbox has no token of the cluster, and all its limits', () => {
    expect(pool.spec.template.spec).toMatchObject({ automountServiceAccountToken: false });
    expect(containerOf(pool).resources).toMatchObject({
      requests: { cpu: '100m', memory: '256Mi', 'ephemeral-storage': expect.any(String) },
      limits: { cpu: '1000m', memory: '1Gi', 'ephemeral-storage': expect.any(String) },
    });
  });

  it('of a sandbox is probed where backends probe, and lives as long as it answers', () => {
    const { startupProbe, readinessProbe, livenessProbe } = containerOf(pool);
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      expect(httpGet).toMatchObject({ path: '/v1/sandbox', port: 8080 });
    }
    expect(readinessProbe.httpGet.httpHeaders).toBeUndefined();
    expect(livenessProbe.httpGet.httpHeaders).toEqual([{ name: 'X-Paddock-Probe', value: 'live' }]);
  });

  it('of a sandbox sees the skills, read-only, and the places that the guide promises', () => {
    const mounts = containerOf(pool).volumeMounts;
    expect(mounts).toContainEqual({ name: 'skills', mountPath: '/mnt/skills', readOnly: true });
    const paths = mounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    expect(paths).toEqual(expect.arrayContaining(['/mnt/user-data', '/home/sandbox', '/tmp']));
    const volumes = pool.spec.template.spec.volumes.map(({ name }: { name: string }) => name);
    expect(volumes.sort()).toEqual(mounts.map(({ name }: { name: string }) => name).sort());
  });
});

describe('the policies', () => {
  const sandbox = find('NetworkPolicy', 'deer-flow-sandbox').spec;

  it('let only the gateway into a sandbox', () => {
    expect(fits(sandbox.podSelector.matchLabels, labelsOf(pool))).toBe(true);
    expect(sandbox.ingress).toHaveLength(1);
    expect(fits(sandbox.ingress[0].from[0].podSelector.matchLabels, labelsOf(gateway))).toBe(true);
    expect(sandbox.ingress[0].ports).toEqual([{ port: 8080, protocol: 'TCP' }]);
  });

  it('let a sandbox out to names and to the internet, not to what is private', () => {
    const blocks = sandbox.egress[1].to.flatMap(
      ({ ipBlock }: { ipBlock: { except: string[] } }) => ipBlock.except,
    );
    expect(blocks).toEqual(
      expect.arrayContaining([
        ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
        ...['fc00::/7', 'fe80::/10', '64:ff9b::/96'],
      ]),
    );
    expect(sandbox.egress[0].ports.map(({ port }: { port: number }) => port)).toEqual([53, 53]);
  });

  it('keep sandboxes from the gateway', () => {
    const [own] = find('NetworkPolicy', 'deer-flow-gateway').spec.ingress[0].from;
    expect(own.podSelector.matchExpressions).toEqual([
      { key: 'app', operator: 'NotIn', values: [labelsOf(pool).app] },
    ]);
  });
});

describe('the claim of skills', () => {
  const [volume, claim] = objectsIn(textOf('skills-pv-pvc.yaml.bak'));
  const kustomization = parse(textOf('kustomization.yaml'));

  it('is the one that kustomization.yaml has the Deployment use', () => {
    expect(volume).toMatchObject({
      kind: 'PersistentVolume',
      spec: { claimRef: { name: claim?.metadata.name, namespace: 'deer-flow' } },
    });
    const patch = parse(kustomization.patches[0].patch);
    expect(patch[1].value.persistentVolumeClaim).toEqual({ claimName: claim?.metadata.name, readOnly: true });
    // By place in the list.
    expect(pool.spec.template.spec.volumes[0].name).toBe(patch[0].value);
  });

  it('is the one that setup.sh makes', () => {
    expect(textOf('setup/skills.sh')).toContain(`  name: ${claim?.metadata.name}\n`);
    expect(textOf('setup/manifests.sh')).toContain(`claim=${claim?.metadata.name}`);
  });

  it('comes with the three files', () => {
    expect(kustomization.resources).toEqual([
      'namespace.yaml',
      'sandbox-service.yaml',
      'sandbox-deployment.yaml',
    ]);
  });
});
