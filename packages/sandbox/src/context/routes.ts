import type { Handlers } from '@paddock/http';
import type { aio, SandboxContext } from '@paddock/protocol';

/** The probe: what the sandbox is and has, found out once, when first asked. */
export function contextRoutes(describe: () => SandboxContext): Handlers<typeof aio.sandbox> {
  let known: SandboxContext | undefined;
  return {
    context() {
      known ??= describe();
      return known;
    },
  };
}
