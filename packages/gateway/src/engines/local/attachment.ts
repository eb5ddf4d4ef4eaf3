import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

/** A user-mode network that is attached to a sandbox, until it is closed. */
export interface Attachment {
  /** Settles once the network is up; rejects when it cannot be. */
  readonly up: Promise<void>;
  /** Ends it, and waits until its process is gone. */
  close(): Promise<void>;
}

/** On this descriptor the program of an attachment says that the network is up. */
export const readyFd = 3;

/**
 * The attachment that a program makes.
 *
 * @param child the program, with a pipe at `readyFd` and at its standard error.
 * @param end makes it end.
 */
export function attachment(name: string, child: ChildProcess, end: () => void): Attachment {
  const stderr = lastLine(child.stderr);
  const up = new Promise<void>((resolve, reject) => {
    child.stdio?.[readyFd]?.once('data', () => resolve());
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${name} ended (${signal ?? code}): ${stderr()}`)));
  });
  up.catch(() => {}); // Whoever waits for the network hears of it; nobody may be waiting any more.
  const gone = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  return {
    up,
    close() {
      end();
      return gone;
    },
  };
}

/** @param stream absent when there were no descriptors left to start the program. */
function lastLine(stream: Readable | null | undefined): () => string {
  let last = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).trimEnd().slice(-300).split('\n').at(-1) ?? '';
  });
  return () => last;
}
