import { typed } from '../../cluster/cluster.ts';
import type { Verdict } from '../check.ts';
import { gatewayApp, leaseName } from './names.ts';
import { type Scene, unseen } from './scene.ts';

/** What the clock of the leader's node may be apart from ours, beside the time that it has to renew. */
const clockSkewMs = 45_000;
const defaultLeaseSeconds = 15;

/** Whether one of the gateways leads: it ends what is idle and completes what was left half done. */
export function checkLeader({ cluster, look }: Scene): Verdict {
  if (look.lease.is === 'hidden') return unseen(`the Lease ${leaseName}`, look.lease);
  const {
    holderIdentity,
    renewTime,
    leaseDurationSeconds = defaultLeaseSeconds,
  } = look.lease.value?.spec ?? {};
  const hint = `See what the gateways say: ${typed(cluster, `logs --selector app=${gatewayApp}`)}`;
  if (!holderIdentity)
    return { status: 'warn', message: 'none of the gateways leads: nothing ends what is idle', hint };
  const ageMs = Date.now() - Date.parse(renewTime ?? '');
  if (!(ageMs < leaseDurationSeconds * 1_000 + clockSkewMs)) {
    const message = `${holderIdentity} led last, and has not said so for ${Math.round(ageMs / 1_000)} seconds`;
    return { status: 'warn', message, hint };
  }
  return { status: 'ok', message: holderIdentity };
}
