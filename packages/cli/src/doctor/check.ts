/** What was found. */
export interface Verdict {
  /** `fail`: sandboxes do not work. `warn`: they lack something. `skip`: it could not be looked at. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** One thing that was looked at. */
export interface Check extends Verdict {
  readonly name: string;
}

export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

export function warn(name: string, message: string, hint: string): Check {
  return { name, status: 'warn', message, hint };
}

export function fail(name: string, message: string, hint: string): Check {
  return { name, status: 'fail', message, hint };
}
