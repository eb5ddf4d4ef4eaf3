/** What the catalogue of errors does not say by itself: which are shared, and whether to send again. */
import { type ErrorCode, errorCatalogue } from '../errors.ts';

/** What every operation may answer besides its own errors. */
export const errorsOfAll: readonly ErrorCode[] = [
  'invalid_request',
  'body_too_large',
  'route_not_found',
  'unauthorized',
  'host_refused',
  'origin_refused',
  'peer_refused',
  'draining',
  'internal',
];

/** Errors that no operation lists because many share them. */
export const sharedErrors: readonly { readonly by: string; readonly codes: readonly ErrorCode[] }[] = [
  { by: 'every operation', codes: errorsOfAll },
  {
    by: 'every operation under /v1, which the gateway passes on to a sandbox',
    codes: [
      'sandbox_not_found',
      'sandbox_limit',
      'sandbox_starting',
      'sandbox_failed',
      'sandbox_died',
      'pool_empty',
      'engine_unavailable',
    ],
  },
  {
    by: 'a port of a sandbox, under /proxy/{port}/ or on a host of its own',
    codes: ['program_not_listening', 'program_failed'],
  },
  { by: 'a sandbox server that is called past the gateway', codes: ['not_bound', 'token_refused'] },
];

/**
 * Whether the same request may be sent again. `safe`: nothing was done, and it may succeed later. `corrected`: nothing was
 * done, and it fails again until something is changed. `checked`: something may have been done.
 */
export type Repeat = 'safe' | 'corrected' | 'checked';

/** Whether a request that failed so may be sent again. */
export function repeatAfter(code: ErrorCode): Repeat {
  if (partlyDone.has(code)) return 'checked';
  const { status } = errorCatalogue[code];
  if (status === 429 || status === 503 || passing.has(code)) return 'safe';
  return status >= 500 ? 'checked' : 'corrected';
}

/** Besides failures of the server, these may leave a part of the work behind. */
const partlyDone: ReadonlySet<ErrorCode> = new Set(['sandbox_died', 'program_failed', 'file_no_space']);

/** Failures that end by themselves. */
const passing: ReadonlySet<ErrorCode> = new Set(['session_busy', 'file_changed', 'program_not_listening']);
