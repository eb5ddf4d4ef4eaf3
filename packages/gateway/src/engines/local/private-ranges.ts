import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { findProgram } from '@paddock/config/machine';

const run = promisify(execFile);

/**
 * What is not the internet: "this network", private and shared addresses, link-local with the metadata services of
 * clouds, protocol assignments, benchmarks, multicast and reserved (IANA's special-purpose registry, RFC 6890).
 */
const ranges = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.168.0.0/16', '198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4'],
];

/** The programs that blocking takes, when they are there. */
export interface RangeBlocker {
  readonly nsenter: string;
  readonly ip: string;
}

/** Finds out whether private ranges can be blocked here. */
export function findRangeBlocker(): RangeBlocker | undefined {
  const [nsenter, ip] = [findProgram('nsenter'), findProgram('ip')];
  return nsenter && ip ? { nsenter, ip } : undefined;
}

/**
 * Makes private ranges and this machine's own addresses unreachable from a process's network namespace, at once and
 * not by a timeout. Routes do it: unlike a packet filter they need nothing of the kernel, and whoever is inside has no
 * right to change them. The tap's own network is more specific, so that its resolver stays in reach.
 *
 * @param ownsNamespace true when the namespace is this process's own and not one of a user namespace.
 */
export async function blockPrivateRanges(
  blocker: RangeBlocker,
  pid: number,
  ownsNamespace: boolean,
): Promise<void> {
  const enter = [
    ...(ownsNamespace ? [] : [`--user=/proc/${pid}/ns/user`, '--preserve-credentials']),
    `--net=/proc/${pid}/ns/net`,
  ];
  const routes = [...ranges, ...ownAddresses()].map((range) => `route add unreachable ${range}\n`).join('');
  const running = run(blocker.nsenter, [...enter, '--', blocker.ip, '-batch', '-'], { env: {} });
  running.child.stdin?.on('error', () => {}); // It did not get that far: its exit says why.
  running.child.stdin?.end(routes);
  await running;
}

function ownAddresses(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const own = addresses
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
  return [...new Set(own)];
}
