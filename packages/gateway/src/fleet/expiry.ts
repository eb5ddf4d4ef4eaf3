import type { Notes } from '../engines/engine.ts';
import type { EndReason } from './audit.ts';
import { defaultId } from './default-id.ts';

/** How long sandboxes live where nothing else was asked for; 0 is never. */
export interface LifeLimits {
  readonly idleSeconds: number;
  readonly maxLifeSeconds: number;
}

/** What the end of a sandbox depends on; times in milliseconds since 1970. */
export interface Life {
  readonly id: string;
  readonly createdMs: number;
  readonly lastUsedMs: number;
  readonly notes: Notes;
  /** Whether its like is made otherwise by now. */
  readonly isOutdated?: boolean;
}

/** When a sandbox is to be released if nobody uses it any more; `atMs` is Infinity for never. */
export interface Expiry {
  readonly atMs: number;
  readonly reason: Extract<EndReason, 'idle' | 'absolute' | 'outdated'>;
  /** What `atMs` can be put off to, at most. */
  readonly ceilingMs: number;
  /** Seconds without use that end it; 0 is never. */
  readonly idleSeconds: number;
}

/**
 * Reckons when a sandbox ends. The one that callers share who name none is kept, unless somebody asked for its end, or it is
 * outdated: then it ends like all others once nobody uses it.
 *
 * A time that was asked for holds as it is until the sandbox is used again; from then on it is the least that is left.
 */
export function expiryOf(life: Life, limits: LifeLimits): Expiry {
  const { id, createdMs, lastUsedMs, notes, isOutdated = false } = life;
  const isShared = id === defaultId;
  const ceilingMs = isShared ? Number.POSITIVE_INFINITY : after(createdMs, limits.maxLifeSeconds);
  const idleSeconds = notes.idleSeconds ?? (isShared && !isOutdated ? 0 : limits.idleSeconds);
  const idleMs = after(lastUsedMs, idleSeconds);
  const { expiry } = notes;
  const isUsedSince = expiry !== undefined && lastUsedMs > expiry.setMs;
  const unusedMs = expiry
    ? Math.max(expiry.atMs, isUsedSince && idleSeconds > 0 ? idleMs : lastUsedMs)
    : idleMs;
  const isReplaced = isShared && isOutdated && !expiry && notes.idleSeconds === undefined;
  const reason = ceilingMs <= unusedMs ? 'absolute' : isReplaced ? 'outdated' : 'idle';
  return { atMs: Math.min(ceilingMs, unusedMs), reason, ceilingMs, idleSeconds };
}

function after(startMs: number, seconds: number): number {
  return seconds > 0 ? startMs + seconds * 1000 : Number.POSITIVE_INFINITY;
}
