import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type Attachment, attachment, readyFd } from './attachment.ts';

/**
 * The network of a sandbox: its own address, and one that is gateway and resolver. pasta sends on what is not for the
 * resolver, so both are of a range that documents use and nobody has (TEST-NET-2, RFC 5737).
 */
const network = { address: '198.51.100.1', prefixLength: 30, gateway: '198.51.100.2' };

/** pasta answers DNS here. */
export const pastaResolver = network.gateway;

const namespaceFd = 4;

/**
 * Runs pasta until it ends, or until standard input does. pasta takes other rights when it starts, which makes the
 * kernel forget a parent-death signal, and it has no option for this. Its file of the pid, which it writes when it is
 * ready, is a pipe of the shell's: the descriptors that we pass are sockets, which cannot be opened by a name.
 */
const untilInputEnds = `exec 5<&0
{
  "$@" --pid /proc/self/fd/1 </dev/null 5<&- ${readyFd}>&- & pasta=$!
  { read -r _ <&5; kill -KILL $pasta; } >/dev/null 2>&1 ${readyFd}>&- ${namespaceFd}<&- & watch=$!
  wait $pasta
  kill $watch
} | head -n 1 >&${readyFd}`;

/** Attaches by pasta (of the package passt), which ends with us. */
export function attachPasta(program: string, pid: number, ownsNamespace: boolean): Attachment {
  // As root it would become nobody, who may not enter the namespace; and it drops the right to open it before it does.
  const namespace = ownsNamespace ? openSync(`/proc/${pid}/ns/net`, 'r') : undefined;
  const target =
    namespace === undefined
      ? [String(pid)]
      : ['--runas', '0', '--netns-only', '--netns', `/proc/self/fd/${namespaceFd}`];
  const child = spawn('/bin/sh', ['-c', untilInputEnds, 'sh', program, ...options, ...target], {
    stdio: ['pipe', 'ignore', 'pipe', 'pipe', namespace ?? 'ignore'],
    env: {},
  });
  if (namespace !== undefined) closeSync(namespace);
  child.stdin?.on('error', () => {}); // It ended first.
  return attachment('pasta', child, () => child.stdin?.destroy());
}

const options = [
  ...['--foreground', '--quiet', '--config-net', '--ipv4-only', '--no-dhcp', '--no-ra'],
  // Nothing of this machine's loopback, in either direction.
  ...['--no-map-gw', '--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
  ...['--ns-ifname', 'tap0', '--address', network.address, '--netmask', String(network.prefixLength)],
  ...['--gateway', network.gateway, '--dns-forward', pastaResolver],
];
