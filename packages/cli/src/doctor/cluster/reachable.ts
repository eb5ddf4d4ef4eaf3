import type { Cluster } from '../../cluster/cluster.ts';
import type { Kubectl } from '../../cluster/kubectl.ts';
import type { Verdict } from '../check.ts';
import { kindOf } from './kind.ts';
import { list, see } from './look.ts';
import { nodeSchema, versionSchema } from './objects.ts';

/** Whether kubectl is there. */
export async function checkKubectl(kubectl: Kubectl): Promise<Verdict> {
  const found = await see(async () =>
    versionSchema.parse(JSON.parse(await kubectl(['version', '--client', '--output=json']))),
  );
  if (found.is === 'hidden')
    return { status: 'fail', message: found.why.message, hint: kubectlHint(found.why) };
  return { status: 'ok', message: found.value.clientVersion.gitVersion };
}

function kubectlHint({ reason, hint }: { reason: string; hint: string }): string {
  return reason === 'absent'
    ? 'Install it: https://kubernetes.io/docs/tasks/tools/ (macOS: brew install kubectl).'
    : hint;
}

/** How many minor releases kubectl may be apart from its server. */
const allowedSkew = 1;

/** Whether the cluster answers, and what it is. */
export async function checkAnswers(kubectl: Kubectl, { context }: Cluster): Promise<Verdict> {
  const found = await see(async () =>
    versionSchema.parse(JSON.parse(await kubectl(['version', '--output=json', '--request-timeout=10s']))),
  );
  if (found.is === 'hidden') return { status: 'fail', message: found.why.message, hint: found.why.hint };
  const server = found.value.serverVersion?.gitVersion ?? 'of an unknown version';
  const nodes = await see(() => list(kubectl, ['nodes'], nodeSchema));
  const kind = nodes.is === 'seen' ? kindOf(nodes.value) : 'a cluster whose nodes may not be seen';
  const size =
    nodes.is === 'seen' ? ` of ${nodes.value.length} node${nodes.value.length === 1 ? '' : 's'}` : '';
  const message = `${kind}${size}, ${server}, context ${context ?? (await currentContext(kubectl))}`;
  const client = found.value.clientVersion.gitVersion;
  const skew = Math.abs(minorOf(client) - minorOf(server));
  if (!(skew > allowedSkew)) return { status: 'ok', message };
  return {
    status: 'warn',
    message: `${message}; kubectl is ${client}`,
    hint: 'Use a kubectl that is at most one minor release apart from the cluster.',
  };
}

async function currentContext(kubectl: Kubectl): Promise<string> {
  const found = await see(() => kubectl(['config', 'current-context']));
  return found.is === 'seen' ? found.value.trim() : 'in use';
}

function minorOf(version: string): number {
  return Number(/^v?\d+\.(\d+)/.exec(version)?.[1] ?? Number.NaN);
}
