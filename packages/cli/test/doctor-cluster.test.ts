/** What `paddock doctor` knows of clusters without asking one. What it says of a real one is tested where one runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { refusalOf } from '../src/cluster/refusal.ts';
import { kindOf } from '../src/doctor/cluster/kind.ts';
import { numberOf } from '../src/doctor/cluster/quantity.ts';
import { gatewayRights } from '../src/doctor/cluster/rights.ts';

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

describe('the rights that doctor asks for the gateways', () => {
  it('are those of the Role in the manifests', () => {
    const file = join(import.meta.dirname, '../../../docker/k8s/sandbox-service.yaml');
    const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
    const rules: Rule[] = objects.find(({ kind }) => kind === 'Role').rules;
    const granted = rules.flatMap(({ apiGroups, resources, verbs, resourceNames = [''] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.flatMap((verb) => resourceNames.map((name) => [group, resource, verb, name].join(' '))),
        ),
      ),
    );
    const asked = gatewayRights.map(({ group, resource, verb, name = '' }) =>
      [group, resource, verb, name].join(' '),
    );
    expect(asked.sort()).toEqual(granted.sort());
  });
});

describe('the kind of a cluster', () => {
  const node = (
    name: string,
    kubeletVersion: string,
    more: { osImage?: string; providerID?: string } = {},
  ) => ({
    metadata: { name, labels: name === 'minikube' ? { 'minikube.k8s.io/name': name } : {} },
    spec: { providerID: more.providerID },
    status: { nodeInfo: { kubeletVersion, osImage: more.osImage ?? 'Debian' } },
  });

  it.each([
    ['OrbStack', node('orbstack', 'v1.33.5+orb1')],
    ['Docker Desktop', node('docker-desktop', 'v1.34.1')],
    ['Docker Desktop', node('desktop-control-plane', 'v1.34.1', { providerID: 'kind://docker/desktop/x' })],
    ['minikube', node('minikube', 'v1.34.0')],
    ['kind', node('kind-control-plane', 'v1.34.0', { providerID: 'kind://docker/kind/kind-control-plane' })],
    ['k3d', node('k3d-a-server-0', 'v1.33.6+k3s1', { providerID: 'k3s://k3d-a-server-0' })],
    ['k3s', node('pi', 'v1.33.6+k3s1', { providerID: 'k3s://pi' })],
    ['a Kubernetes cluster', node('ip-10-0-0-1', 'v1.34.1-eks-1')],
  ])('is %s by its nodes', (kind, found) => {
    expect(kindOf([found])).toBe(kind);
  });
});

describe('a quantity', () => {
  it.each([
    ['5', 5],
    ['100m', 0.1],
    ['1Gi', 1_073_741_824],
    ['1.5k', 1_500],
    ['2e3', 2_000],
    ['128974848000m', 128_974_848],
    ['much', Number.NaN],
  ])('%s is %d', (quantity, number) => {
    expect(numberOf(quantity)).toBe(number);
  });
});

describe('what kubectl says', () => {
  it.each([
    ['absent', 'spawn kubectl ENOENT'],
    ['absent', 'kubectl: 1: kubectl: not found'],
    ['context', 'error: context "prod" does not exist'],
    ['unauthorized', 'error: You must be logged in to the server (Unauthorized)'],
    ['forbidden', 'Error from server (Forbidden): pods is forbidden: User "eve" cannot list resource "pods"'],
    [
      'unreachable',
      'The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?',
    ],
    ['unreachable', 'Unable to connect to the server: dial tcp: lookup k.example: no such host'],
    ['missing', 'Error from server (NotFound): services "deer-flow-sandbox" not found'],
    ['other', 'error: unable to forward port because pod is not running. Current status=Pending'],
  ])('is %s: %s', (reason, said) => {
    expect(refusalOf(said).reason).toBe(reason);
  });
});
