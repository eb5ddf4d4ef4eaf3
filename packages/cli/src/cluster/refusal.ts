/** What kubectl says when it fails, and what to do about it. */

export type RefusalReason =
  | 'absent'
  | 'context'
  | 'unauthorized'
  | 'forbidden'
  | 'missing'
  | 'unreachable'
  | 'other';

export interface Refusal {
  readonly reason: RefusalReason;
  /** Its last line. */
  readonly said: string;
  /** What to do, where that does not depend on what was asked for. */
  readonly hint?: string;
}

/** Makes sense of what kubectl printed. */
export function refusalOf(said: string): Refusal {
  const last = said.trim().split('\n').at(-1)?.trim() ?? '';
  const line = last.replace(/^error: /i, '').replace(/^Error from server /, '') || 'it said nothing';
  const [, reason = 'other', hint] = reasons.find(([pattern]) => pattern.test(said)) ?? [];
  return { reason, said: reason === 'absent' ? 'kubectl is not on the PATH' : line, ...(hint && { hint }) };
}

const reasons: readonly (readonly [RegExp, RefusalReason, string?])[] = [
  [
    /kubectl: (command )?not found|kubectl: No such file|spawn kubectl ENOENT/i,
    'absent',
    'Install kubectl, or give the address of the gateway with --url.',
  ],
  [
    /context .*does not exist|no context exists/i,
    'context',
    'List the contexts with `kubectl config get-contexts`.',
  ],
  [
    /unauthorized|must be logged in|provide credentials|exec plugin|getting credentials/i,
    'unauthorized',
    'Log in to the cluster anew, as its kubeconfig wants it; `kubectl auth whoami` tries it.',
  ],
  [/forbidden/i, 'forbidden'],
  [
    /connection refused|connection to the server .* was refused|no such host|i\/o timeout|unable to connect|couldn't get current server|deadline exceeded|connection reset|x509|EOF$/i,
    'unreachable',
    'Check that the cluster of your kubeconfig is up: `kubectl cluster-info`.',
  ],
  [/NotFound|not found|doesn't have a resource type/, 'missing'],
];
