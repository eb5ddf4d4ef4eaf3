import { defaultBaseUrl } from '@paddock/client';
import { CliError } from './failure.ts';

/** The options that every command has. */
export interface GlobalOptions {
  readonly url?: string;
  readonly apiKey?: string;
  readonly json?: boolean;
}

/** Which gateway to talk to. */
export interface Reach {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
  /** The user named the gateway, so no other will do. */
  readonly named: boolean;
  /** Whoever sits at a terminal wants to know at once. */
  readonly retries: 0;
}

/** @throws CliError when the URL is none. */
export function reachOf({ url, apiKey }: GlobalOptions): Reach {
  // An empty variable counts as absent.
  const named = url ?? (process.env.PADDOCK_URL || undefined);
  const baseUrl = named ?? defaultBaseUrl;
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    throw new CliError(`the gateway's URL is ${JSON.stringify(baseUrl)}`, {
      hint: 'Give --url or PADDOCK_URL as http://HOST:PORT.',
    });
  }
  return {
    baseUrl,
    apiKey: apiKey ?? (process.env.SANDBOX_API_KEY || undefined),
    named: named !== undefined,
    retries: 0,
  };
}
