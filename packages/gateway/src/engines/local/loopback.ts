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
  while (!(await routesOf(pid)).includes('127.0.0.1')) await delay(pollMs);
}

async function routesOf(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/net/fib_trie`, 'utf8');
  } catch {
    return new Promise(() => {}); // It has ended: its end says why.
  }
}
