import type { Handlers } from '@paddock/http';
import type { control } from '@paddock/protocol';
import type { Activity } from './activity.ts';
import type { Identity } from './identity.ts';

export interface BindOptions {
  readonly identity: Identity;
  readonly activity: Activity;
  /** Requests of the sandbox's owner are about to come. */
  readonly onBound: () => void;
}

/** The operations by which a gateway takes this server for a sandbox. */
export function bindRoutes({ identity, activity, onBound }: BindOptions): Handlers<typeof control.server> {
  return {
    activity: () => ({ idle_seconds: activity.idleSeconds }),
    bind(request) {
      identity.bind(request);
      setImmediate(onBound); // The one who claims waits for the answer.
      return { boot_id: identity.bootId };
    },
  };
}
