import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { Readable } from 'node:stream';
import { SetupError } from '../engine.ts';
import { findRangeBlocker, type RangeBlocker } from './private-ranges.ts';
import { findProgram } from './programs.ts';

/** How sandboxes reach a network. */
export type Network =
  | {
      readonly kind: 'outbound';
      readonly program: string;
      readonly resolver: string;
      /** Undefined where private ranges cannot be blocked. */
      readonly blocker: RangeBlocker | undefined;
    }
  | { readonly kind: 'none' | 'host'; readonly resolver: undefined };

/** slirp4netns answers DNS here, for every network that it makes. */
const slirpResolver = '10.0.2.3';

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
  const program = findProgram('slirp4netns');
  const obstacle = program
    ? tunObstacle()
    : { what: 'slirp4netns is not installed', mend: 'Install slirp4netns' };
  if (program && !obstacle) {
    const blocker = findRangeBlocker();
    if (!blocker) warn('sandboxes can reach private networks: install iproute2 and util-linux to block them');
    return { kind: 'outbound', program, resolver: slirpResolver, blocker };
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

/** A user-mode network that is attached to a sandbox, until it is closed. */
export interface Attachment {
  /** Settles once the network is up; rejects when it cannot be. */
  readonly up: Promise<void>;
  /** Ends it, and waits until its process is gone. */
  close(): Promise<void>;
}

/**
 * Gives the network namespace of a process a way out to the internet, and none to this machine's loopback.
 * The program ends with us, however we end: it watches a pipe that only we hold open.
 */
export function attachNetwork(program: string, pid: number, asRoot: boolean): Attachment {
  const readyFd = 3;
  const exitFd = 4;
  const child = spawn(
    program,
    [
      ...['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp'],
      ...['--ready-fd', String(readyFd), '--exit-fd', String(exitFd)],
      // As root the namespace is our own; a user owns it through the user namespace that made it.
      ...(asRoot ? [] : [`--userns-path=/proc/${pid}/ns/user`]),
      ...[String(pid), 'tap0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: {} },
  );
  const stderr = lastLine(child.stderr as Readable);
  const up = new Promise<void>((resolve, reject) => {
    child.stdio[readyFd]?.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      reject(new Error(`slirp4netns ended (${signal ?? code}): ${stderr()}`)),
    );
  });
  up.catch(() => {}); // Whoever waits for the network hears of it; nobody may be waiting any more.
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  return {
    up,
    close() {
      child.kill('SIGKILL');
      return gone;
    },
  };
}

function lastLine(stream: Readable): () => string {
  let last = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).trimEnd().slice(-300).split('\n').at(-1) ?? '';
  });
  return () => last;
}
