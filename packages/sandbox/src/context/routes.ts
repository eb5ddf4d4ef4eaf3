import type { Handlers } from '@paddock/http';
import type { aio, SandboxContext } from '@paddock/protocol';

interface ContextSource {
  readonly describe: () => SandboxContext;
  /** The environment that commands get. */
  readonly env: () => Readonly<Record<string, string>>;
}

/** What the sandbox is and has. The probe's part of it is found out once, when first asked for. */
export function contextRoutes({ describe, env }: ContextSource): Handlers<typeof aio.sandbox> {
  let known: SandboxContext | undefined;
  return {
    context() {
      known ??= describe();
      return known;
    },
    pythonPackages: async () => (await import('./packages.ts')).pythonPackages(env()),
    nodejsPackages: async () => (await import('./packages.ts')).nodePackages(env()),
  };
}
