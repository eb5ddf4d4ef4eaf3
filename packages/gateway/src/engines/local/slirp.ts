import { spawn } from 'node:child_process';
import { type Attachment, attachment, readyFd } from './attachment.ts';

/** slirp4netns answers DNS here, for every network that it makes. */
export const slirpResolver = '10.0.2.3';

const exitFd = 4;

/** Attaches by slirp4netns, which ends with us: it watches a pipe that only we hold open. */
export function attachSlirp(program: string, pid: number, ownsNamespace: boolean): Attachment {
  const child = spawn(
    program,
    [
      ...['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp'],
      ...['--ready-fd', String(readyFd), '--exit-fd', String(exitFd)],
      // As root the namespace is our own; a user owns it through the user namespace that made it.
      ...(ownsNamespace ? [] : [`--userns-path=/proc/${pid}/ns/user`]),
      ...[String(pid), 'tap0'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], env: {} },
  );
  return attachment('slirp4netns', child, () => child.kill('SIGKILL'));
}
