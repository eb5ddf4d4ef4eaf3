import { BlockList, isIPv6 } from 'node:net';
import type { Kubectl } from '../../cluster/kubectl.ts';
import { type Look, list, one, see } from './look.ts';
import { gatewayApp, sandboxApp, serverPort } from './names.ts';
import { endpointSliceSchema, type Pod, serviceSchema } from './objects.ts';
import { isReady } from './trouble.ts';

/** Something that listens, and that the policies keep sandboxes from. */
export interface Target {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  /** Of which pod it is the address: from there it is no target. */
  readonly pod?: string;
}

/** What a sandbox is to try to reach in vain: the API server, a gateway, other sandboxes. */
export async function targetsIn(kubectl: Kubectl, { pods }: Look): Promise<Target[]> {
  const api = await apiServer(kubectl);
  if (pods.is === 'hidden') return api;
  const others = [
    ...podsOf(pods.value, gatewayApp).slice(0, 1),
    // Two, of which one may be the sandbox that tries.
    ...podsOf(pods.value, sandboxApp).slice(0, 2),
  ];
  return [...api, ...others];
}

function podsOf(pods: readonly Pod[], app: string): Target[] {
  return pods.filter(isReady).flatMap(({ metadata: { name, labels }, status: { podIP } }) => {
    if (labels?.app !== app || podIP === undefined || !isPrivate(podIP)) return [];
    return [
      {
        what: `${app === gatewayApp ? 'gateway' : 'sandbox'} ${podIP}`,
        host: podIP,
        port: serverPort,
        pod: name,
      },
    ];
  });
}

/** The API server, unless it is on the internet, which sandboxes may reach. */
async function apiServer(kubectl: Kubectl): Promise<Target[]> {
  const inDefault = ['--namespace=default'];
  const slicesOfIt = ['endpointslices', ...inDefault, '--selector=kubernetes.io/service-name=kubernetes'];
  const [service, slices] = await Promise.all([
    see(() => one(kubectl, ['service', 'kubernetes', ...inDefault], serviceSchema)),
    see(() => list(kubectl, slicesOfIt, endpointSliceSchema)),
  ]);
  if (service.is === 'hidden' || slices.is === 'hidden') return [];
  const host = service.value?.spec.clusterIP;
  const port = service.value?.spec.ports?.[0]?.port;
  const ends = slices.value.flatMap(({ endpoints }) => endpoints ?? []).flatMap(({ addresses }) => addresses);
  if (host === undefined || port === undefined || ends.length === 0 || !ends.every(isPrivate)) return [];
  return [{ what: `API server ${host}:${port}`, host, port }];
}

/** What the policy of sandboxes leaves out of the internet. */
const privateRanges = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  'fe80::/10',
];
const privateAddresses = new BlockList();
for (const range of privateRanges) {
  const [address = '', bits] = range.split('/');
  privateAddresses.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
}

function isPrivate(address: string): boolean {
  return privateAddresses.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
