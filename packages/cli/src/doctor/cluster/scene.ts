import type { Cluster } from '../../cluster/cluster.ts';
import type { Kubectl } from '../../cluster/kubectl.ts';
import type { Verdict } from '../check.ts';
import type { Look, Sight } from './look.ts';

/** What a check has to go by. */
export interface Scene {
  readonly cluster: Cluster;
  readonly kubectl: Kubectl;
  readonly look: Look;
}

/** What a check says when it may not see what it is about. */
export function unseen(what: string, { why }: Extract<Sight<unknown>, { is: 'hidden' }>): Verdict {
  return { status: 'skip', message: `${what} cannot be seen: ${why.message}`, hint: why.hint };
}

/** `a, b and c`; `none` without any. */
export function enumerated(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'none';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
