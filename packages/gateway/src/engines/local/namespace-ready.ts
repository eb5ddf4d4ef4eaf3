/** How far bubblewrap is with the namespaces of a sandbox, of whose first process it tells before they are made. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 1;

/**
 * Waits until a network namespace has its loopback address. bubblewrap, which gives it, fails when it is there already,
 * and programs that make a network bring the interface up, upon which the kernel gives it.
 *
 * Pending for good when the process has ended before.
 */
export async function loopbackOf(pid: number): Promise<void> {
  await untilHas(`/proc/${pid}/net/fib_trie`, '127.0.0.1');
}

/**
 * Waits until a user namespace has users: whoever enters it before has no rights in it. bubblewrap that is not root writes them
 * as the process itself, after that has been told of.
 *
 * Pending for good when the process has ended before.
 */
export async function usersOf(pid: number): Promise<void> {
  await untilHas(`/proc/${pid}/uid_map`, '\n');
}

async function untilHas(file: string, part: string): Promise<void> {
  while (!(await contentOf(file)).includes(part)) await delay(pollMs);
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return new Promise(() => {}); // The process has ended: its end says why.
  }
}
