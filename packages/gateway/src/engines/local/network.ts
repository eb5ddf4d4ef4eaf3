import { accessSync, constants } from 'node:fs';
import { findProgram } from '@paddock/config/machine';
import { SetupError } from '../engine.ts';
import type { Attachment } from './attachment.ts';
import { attachPasta, pastaResolver } from './pasta.ts';
import { findRangeBlocker, type RangeBlocker } from './private-ranges.ts';
import { attachSlirp, slirpResolver } from './slirp.ts';

/** How sandboxes reach a network. */
export type Network =
  | {
      readonly kind: 'outbound';
      readonly attach: Attach;
      readonly resolver: string;
      /** Undefined where private ranges cannot be blocked. */
      readonly blocker: RangeBlocker | undefined;
    }
  | { readonly kind: 'none' | 'host'; readonly resolver: undefined };

/**
 * Gives the network namespace of a process a way out to the internet, and none to this machine's loopback. What does so
 * ends with us, however we end.
 *
 * @param ownsNamespace true when the namespace is this process's own and not one of a user namespace.
 */
type Attach = (pid: number, ownsNamespace: boolean) => Attachment;

/** The programs that can make such a network, the preferred one first. */
const makers = [
  { name: 'slirp4netns', resolver: slirpResolver, attachWith: attachSlirp },
  { name: 'pasta', resolver: pastaResolver, attachWith: attachPasta },
] as const;

/**
 * The network that the configuration asks for, as far as this machine has it.
 *
 * @throws {SetupError} when `outbound` is asked for in as many words and cannot be made here.
 */
export function chooseNetwork(
  wanted: 'auto' | 'outbound' | 'none' | 'host',
  warn: (text: string) => void,
): Network {
  if (wanted === 'none' || wanted === 'host') return { kind: wanted, resolver: undefined };
  const [maker] = makers.flatMap((candidate) => {
    const program = findProgram(candidate.name);
    return program === undefined ? [] : [{ ...candidate, program }];
  });
  const obstacle = maker
    ? tunObstacle()
    : { what: 'slirp4netns is not installed, nor is pasta', mend: 'Install slirp4netns' };
  if (maker && !obstacle) {
    const blocker = findRangeBlocker();
    if (!blocker) warn('sandboxes can reach private networks: install iproute2 and util-linux to block them');
    const { program, resolver, attachWith } = maker;
    const attach: Attach = (pid, ownsNamespace) => attachWith(program, pid, ownsNamespace);
    return { kind: 'outbound', attach, resolver, blocker };
  }
  const { what, mend } = obstacle ?? { what: '', mend: '' };
  if (wanted === 'outbound') {
    throw new SetupError(`network is "outbound", but ${what}`, `${mend}, or set PADDOCK_NETWORK=none.`);
  }
  warn(`sandboxes have no network: ${what}. ${mend} for one that reaches the internet only.`);
  return { kind: 'none', resolver: undefined };
}

function tunObstacle(): { what: string; mend: string } | undefined {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return { what: 'this user may not use /dev/net/tun', mend: 'Run: sudo chmod 666 /dev/net/tun' };
  }
}
