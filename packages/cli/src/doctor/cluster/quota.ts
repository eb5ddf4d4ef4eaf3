import { typed } from '../../cluster/cluster.ts';
import type { Verdict } from '../check.ts';
import { sandboxApp } from './names.ts';
import type { Deployment, Quota } from './objects.ts';
import { numberOf } from './quantity.ts';
import { type Scene, unseen } from './scene.ts';
import { refusalsOf } from './trouble.ts';

/** Whether the namespace's quotas leave room for sandboxes. */
export function checkQuota({ cluster, look }: Scene): Verdict {
  if (look.quotas.is === 'hidden') return unseen('the quotas', look.quotas);
  const hint = `Raise it, or release sandboxes. See ${typed(cluster, 'describe quota')}`;
  const refusal = refusalsOf(look).find((said) => said.includes('exceeded quota'));
  if (refusal) return { status: 'fail', message: refusal, hint };
  if (look.quotas.value.length === 0) return { status: 'ok', message: 'none' };
  const pool =
    look.deployments.is === 'seen'
      ? look.deployments.value.find(({ metadata }) => metadata.name === sandboxApp)
      : undefined;
  const rooms = look.quotas.value.flatMap((quota) => roomsIn(quota, needsOf(pool)));
  const tightest = rooms.sort((a, b) => a.sandboxes - b.sandboxes)[0];
  if (!tightest) return { status: 'ok', message: 'none that limits sandboxes' };
  const { sandboxes, quota, resource, used, hard } = tightest;
  const message = `room for ${sandboxes} more sandbox${sandboxes === 1 ? '' : 'es'}: ${quota} has ${used} of ${hard} ${resource} in use`;
  return sandboxes > 0 ? { status: 'ok', message } : { status: 'warn', message, hint };
}

/** What one sandbox takes of each resource that quotas count. */
function needsOf(pool: Deployment | undefined): ReadonlyMap<string, number> {
  const needs = new Map([
    ['pods', 1],
    ['count/pods', 1],
  ]);
  for (const { resources } of pool?.spec.template.spec.containers ?? []) {
    for (const [kind, amounts] of [
      ['requests', resources?.requests] as const,
      ['limits', resources?.limits] as const,
    ]) {
      for (const [resource, amount] of Object.entries(amounts ?? {})) {
        const names = kind === 'requests' ? [`requests.${resource}`, resource] : [`limits.${resource}`];
        for (const name of names) needs.set(name, (needs.get(name) ?? 0) + numberOf(amount));
      }
    }
  }
  return needs;
}

interface Room {
  readonly quota: string;
  readonly resource: string;
  readonly used: string;
  readonly hard: string;
  readonly sandboxes: number;
}

function roomsIn({ metadata, status }: Quota, needs: ReadonlyMap<string, number>): Room[] {
  return Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
    const need = needs.get(resource);
    const used = status?.used?.[resource] ?? '0';
    const left = numberOf(hard) - numberOf(used);
    if (!need || Number.isNaN(left)) return [];
    return [{ quota: metadata.name, resource, used, hard, sandboxes: Math.max(0, Math.floor(left / need)) }];
  });
}
