import type { Handlers } from '@paddock/http';
import type { control } from '@paddock/protocol';
import type { Activity } from './activity.ts';
import type { Identity } from './identity.ts';

/** The operations by which a gateway takes this server for a sandbox. */
export function bindRoutes(identity: Identity, activity: Activity): Handlers<typeof control.server> {
  return {
    activity: () => ({ idle_seconds: activity.idleSeconds }),
    bind(request) {
      identity.bind(request);
      return { boot_id: identity.bootId };
    },
  };
}
