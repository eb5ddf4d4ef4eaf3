import { version } from '@paddock/protocol/version';
import { patientTransport, type Transport } from './transport.ts';

/** Where a gateway listens unless it was told otherwise. */
export const defaultBaseUrl = 'http://127.0.0.1:8080';

/** How to reach a gateway or a sandbox. */
export interface ConnectionOptions {
  /** Such as `http://127.0.0.1:8080` or a `sandbox_url`; a path prefix is kept. */
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Ends every call when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How often a call is sent again after a failure that says nothing ran: nobody listened, or the answer was 429 or 503
   * with a code of the catalogue. 2 when absent; 0 is never.
   */
  readonly retries?: number | undefined;
  /** Carries the requests instead of node:http, for programs that need a proxy or their own TLS. */
  readonly fetch?: Transport | undefined;
}

/** The same, ready to send. */
export interface Connection {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** What messages may show: a path can hold a sandbox's secret. */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal | undefined;
  readonly retries: number;
  readonly transport: Transport;
}

/** @throws TypeError when the base URL is no http or https URL. */
export function connectionTo(options: ConnectionOptions, headers: Record<string, string> = {}): Connection {
  const url = new URL(options.baseUrl ?? defaultBaseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`a base URL begins with http:// or https://, not ${url.protocol}//`);
  }
  return {
    baseUrl: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    origin: url.origin,
    headers: {
      'user-agent': `paddock/${version}`,
      ...basicAuthorization(url),
      ...(options.apiKey && { 'x-api-key': options.apiKey }),
      ...headers,
    },
    signal: options.signal,
    retries: options.retries ?? 2,
    transport: options.fetch ?? patientTransport,
  };
}

/** How to reach a sandbox that exists, through its gateway. */
export function atPath(options: ConnectionOptions, id: string): ConnectionOptions {
  const { baseUrl = defaultBaseUrl, apiKey, signal, retries, fetch } = options;
  const url = `${baseUrl.replace(/\/+$/, '')}/s/${encodeURIComponent(id)}`;
  return { baseUrl: url, apiKey, signal, retries, fetch };
}

/** Credentials in a URL (`http://:KEY@host`) travel as Basic authorization, which `fetch` would refuse to do. */
function basicAuthorization({ username, password }: URL): { authorization?: string } {
  if (!username && !password) return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
